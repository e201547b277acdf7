package eval

import (
	"github.com/expr-lang/expr/ast"
)

// where is the part of a source that a message is about. What it covers is
// worked out only when a message needs it.
type where struct {
	s    *source
	node ast.Node
}

// text returns the source text, short enough to be quoted in a sentence.
func (w where) text() string {
	start, end := w.s.extent(w.node)
	return cut(w.s.text[start:end], 40)
}

// extent returns the bytes of the source that a node covers. The parser keeps
// only one place per node, so the rest follows from the children and from the
// brackets, which must balance.
func (s *source) extent(n ast.Node) (start, end int) {
	if len(s.tokens) == 0 {
		return 0, len(s.text)
	}
	from, to := s.reach(n)
	from, to = s.balance(from, to)
	return s.tokens[from].start, s.tokens[to].end
}

// reach returns the first and last token that a node and its children name.
func (s *source) reach(n ast.Node) (from, to int) {
	from = min(s.at(s.offset(n.Location().From)), len(s.tokens)-1)
	to = from
	switch n := n.(type) {
	case *ast.CallNode:
		from, to = s.join(from, to, n.Callee)
		to = max(to, s.callEnd(to))
	case *ast.BuiltinNode:
		to = s.callEnd(from)
		if len(n.Arguments) > 0 {
			from, to = s.join(from, to, n.Arguments[0])
		}
	case *ast.ArrayNode:
		to = max(to, s.tokens[from].partner)
	case *ast.ConditionalNode:
		return s.reachChoice(n)
	case *ast.PredicateNode:
		return s.reach(n.Node)
	case *ast.PointerNode:
		if n.Name != "" {
			to = min(from+1, len(s.tokens)-1)
		}
	case *ast.UnaryNode:
		return s.join(from, to, n.Node)
	case *ast.BinaryNode:
		from, to = s.join(from, to, n.Left)
		return s.join(from, to, n.Right)
	case *ast.MemberNode:
		to = max(to, s.tokens[to].partner)
		return s.join(from, to, n.Node)
	case *ast.SliceNode:
		to = max(to, s.tokens[to].partner)
		return s.join(from, to, n.Node)
	}
	return from, to
}

func (s *source) join(from, to int, child ast.Node) (int, int) {
	a, b := s.reach(child)
	return min(from, a), max(to, b)
}

// callEnd returns the closing parenthesis of the call whose name is token i.
func (s *source) callEnd(i int) int {
	if i+1 < len(s.tokens) && s.tokens[i+1].kind == tokOpen {
		return s.tokens[i+1].partner
	}
	return i
}

// reachChoice covers both spellings of a choice: the place the parser keeps
// for it is of no use.
func (s *source) reachChoice(n *ast.ConditionalNode) (from, to int) {
	from, to = s.reach(n.Cond)
	from, to = s.join(from, to, n.Exp1)
	from, to = s.join(from, to, n.Exp2)
	if !n.Ternary {
		for from > 0 && s.word(from) != "if" {
			from--
		}
	}
	return from, to
}

// balance widens a stretch of tokens until every bracket in it has its
// partner in it.
func (s *source) balance(from, to int) (int, int) {
	for i := from; i <= to; i++ {
		t := &s.tokens[i]
		switch {
		case t.kind == tokOpen && t.partner > to:
			to = t.partner
		case t.kind == tokClose && t.partner < from:
			from = t.partner
			i = from
		}
	}
	return from, to
}
