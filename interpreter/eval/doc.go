// Package eval is the expression language of workflow fields: it reads an
// expression once, checks the names, types and dimensions in it before
// anything runs, and evaluates it as often as wanted.
//
// The grammar is that of expr-lang/expr, whose parser is used as it is, and
// two additions that are blanked out before it sees the text: numbers with
// units (50 uL, 100 mm/s, 20 %) and ranges of wells (plate.A1:D6). Types,
// dimensions and evaluation are this package's own, because the arithmetic of
// a laboratory differs from that of a programming language: a division by zero
// is a mistake and no infinity, volumes are counted in whole nanolitres, and a
// value may be Unknown until the robot has moved.
//
// The package owns [Type], [Value], [Scope], [Expr] and [Template], and the
// table of functions. It does not own where names come from, which fields
// exist, or the short forms of steps (3 x 50 uL, bottom + 1 mm).
//
// An [Expr], a [Template] and a [Value] never change and may be shared between
// goroutines; an [Env] belongs to one goroutine and a [Scope] to one
// compilation at a time.
package eval
