package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// caller asks over one connection, with next to no work of its own.
type caller struct {
	net.Conn
	in *bufio.Reader
}

func newCaller(b *testing.B, s *bench) *caller {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		b.Error(err)
		return nil
	}
	return &caller{c, bufio.NewReader(c)}
}

func (a *caller) ask(request []byte) error {
	if _, err := a.Write(request); err != nil {
		return err
	}
	status, err := a.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !strings.Contains(string(status), " 200 ") {
		return fmt.Errorf("%s", status)
	}
	length := 0
	for {
		line, err := a.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			_, _ = fmt.Sscan(n, &length)
		}
		if len(line) == 2 {
			_, err := io.CopyN(io.Discard, a.in, int64(length))
			return err
		}
	}
}

// BenchmarkRequests asks over 64 connections at a time; what it takes is the time of
// server and client together.
func BenchmarkRequests(b *testing.B) {
	s := serve(b, service.Sim, filepath.Join(b.TempDir(), "journal.db"), ratioText)
	for name, of := range map[string]func(i int) string{
		"execute": func(i int) string {
			body := fmt.Sprintf(`{"R": %d, "Y": 3}`, i%1000)
			return fmt.Sprintf("POST /execute/ratio HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		},
		"tasks": func(int) string { return "GET /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n" },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				a := newCaller(b, s)
				if a == nil {
					return
				}
				defer a.Close()
				for i := 1; pb.Next(); i++ {
					if err := a.ask([]byte(of(i))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
