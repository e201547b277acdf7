// Package lsp helps editors with workflows, by the Language Server Protocol: it shows what
// is wrong as somebody types, what can stand at a place, what a key means and a well holds,
// and where names come from. What it knows of the language is in the packages below; this
// one owns documents, positions and the protocol.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"sync"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/ot2flow/ot2flow/workflows"
)

// ErrUnclean says that a client has left without asking the server to shut down.
var ErrUnclean = errors.New("the editor has left without saying so")

// Serve answers a client, until it says exit or has gone away.
func Serve(ctx context.Context, in io.Reader, out io.Writer, version string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{version: version, documents: map[string]*document{}, checks: map[string]*proved{}, published: map[string]bool{}, wake: make(chan struct{}, 1), bell: workflows.NewBell()}
	defer s.bell.Close()
	stream := jsonrpc2.NewBufferedStream(both{in, out}, jsonrpc2.VSCodeObjectCodec{})
	quiet := jsonrpc2.SetLogger(log.New(io.Discard, "", 0)) // what is wrong is answered
	s.conn = jsonrpc2.NewConn(ctx, stream, jsonrpc2.HandlerWithError(s.handle).SuppressErrClosed(), quiet)
	var checks sync.WaitGroup
	checks.Go(func() { s.check(ctx) })
	<-s.conn.DisconnectNotify()
	stop()
	checks.Wait()
	if !s.shut {
		return ErrUnclean
	}
	return nil
}

// both is a client's end of a connection.
type both struct {
	io.Reader
	io.Writer
}

// Close leaves the streams alone: they are those of the process.
func (both) Close() error { return nil }

// server is the state of one connection. Requests come one after the other; only check
// runs beside them.
type server struct {
	version string
	conn    *jsonrpc2.Conn
	shut    bool
	wake    chan struct{}   // holds one: something is to be checked
	bell    *workflows.Bell // rings when a file changes

	mu        sync.Mutex
	documents map[string]*document // by path
	checks    map[string]*proved   // by path
	published map[string]bool      // the files that findings were told of; check alone uses it
}

// answers are the requests that are answered, by their method.
var answers = map[string]func(*server, *document, *params) (any, error){
	"textDocument/completion":     (*server).complete,
	"textDocument/hover":          (*server).hover,
	"textDocument/definition":     (*server).definition,
	"textDocument/references":     (*server).references,
	"textDocument/prepareRename":  (*server).prepareRename,
	"textDocument/rename":         (*server).rename,
	"textDocument/formatting":     (*server).format,
	"textDocument/documentSymbol": (*server).symbols,
	"textDocument/codeAction":     (*server).actions,
}

// notes are the notifications that are heard. Those that are not are no mistake.
var notes = map[string]func(*server, *params) error{
	"textDocument/didOpen":   (*server).opened,
	"textDocument/didChange": (*server).changed,
	"textDocument/didClose":  (*server).closed,
	"textDocument/didSave":   func(s *server, _ *params) error { s.again(); return nil },
}

func (s *server) handle(_ context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) (result any, err error) {
	defer func() {
		if fault := recover(); fault != nil { // an editor goes on without one answer, and not without any
			result, err = nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprintf("this is a bug of ot2flow: %v\n%s", fault, debug.Stack())}
		}
	}()
	switch req.Method {
	case "initialize":
		return map[string]any{"capabilities": capabilities, "serverInfo": map[string]string{"name": "ot2flow", "version": s.version}}, nil
	case "shutdown":
		s.shut = true
		return nil, nil
	case "exit":
		return nil, conn.Close()
	}
	answer, asks := answers[req.Method]
	note, tells := notes[req.Method]
	if !asks && !tells {
		if req.Notif {
			return nil, nil
		}
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "ot2flow has no answer to " + req.Method}
	}
	var p params
	if req.Params != nil {
		if err := json.Unmarshal(*req.Params, &p); err != nil {
			return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: err.Error()}
		}
	}
	if tells {
		return nil, note(s, &p)
	}
	d := s.document(p.TextDocument.URI)
	if d == nil {
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: p.TextDocument.URI + " is not open"}
	}
	return answer(s, d, &p)
}

// refused is an answer that says why something is not done.
func refused(format string, args ...any) error {
	return &jsonrpc2.Error{Code: -32803, Message: fmt.Sprintf(format, args...)} // RequestFailed
}
