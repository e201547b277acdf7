package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

//go:embed templates static
var files embed.FS

// asset is a file that pages refer to. Its address has its hash, so that it is asked
// for once.
type asset struct {
	name, address string
	data          []byte
	packed        func() []byte // data compressed, which is done when it is first asked for
}

// assets are read when the first page is made.
var assets = sync.OnceValue(func() map[string]*asset {
	out := map[string]*asset{}
	list, _ := fs.ReadDir(files, "static") // which is in the program
	for _, e := range list {
		data, _ := files.ReadFile("static/" + e.Name())
		sum := sha256.Sum256(data)
		ext := path.Ext(e.Name())
		a := &asset{e.Name(), strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext, data, sync.OnceValue(func() []byte { return pack(data) })}
		out[a.name], out[a.address] = a, a
	}
	return out
})

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// static answers with a file that pages refer to.
func static(w http.ResponseWriter, r *http.Request) {
	a := assets()[r.PathValue("name")]
	if a == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kinds[path.Ext(a.name)])
	w.Header().Set("Cache-Control", "no-cache")
	if r.PathValue("name") == a.address {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	data := a.data
	w.Header().Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		data = a.packed()
		w.Header().Set("Content-Encoding", "gzip")
	}
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(data))
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level that there is
	_, _ = z.Write(data)                                  // into memory, as all of this
	_ = z.Close()
	return b.Bytes()
}

// packet is about how much goes over a network at once: less is not worth compressing.
const packet = 1400

// send answers with a page, compressed where that is worth it and the browser takes it: a
// deck is the same thing a hundred times.
func send(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	if len(data) > packet && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a level that there is
		_, _ = z.Write(data)                           // whoever looked may be gone
		_ = z.Close()
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // whoever looked may be gone
}

var (
	templatesMu sync.Mutex
	templates   = map[string]*template.Template{}
)

// templateOf is a page's template in the frame that all have.
func templateOf(name string) *template.Template {
	templatesMu.Lock()
	defer templatesMu.Unlock()
	t := templates[name]
	if t == nil {
		t = template.Must(template.New("frame.html").Funcs(functions).ParseFS(files, "templates/frame.html", "templates/parts.html", "templates/"+name+".html"))
		templates[name] = t
	}
	return t
}

var functions = template.FuncMap{
	"asset":   func(name string) string { return Root + "static/" + assets()[name].address },
	"base":    filepath.Base,
	"clock":   service.Clock,
	"at":      at,
	"moment":  moment,
	"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"words":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"is":      func(s string, p *string) bool { return p != nil && s == *p },
	"dict":    dict,
	"list":    func(list []string) string { return strings.Join(list, ", ") },
	"percent": func(done, of int) int { return 100 * done / max(1, of) },
}

// dict are values by name, for a part of a page that needs several.
func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1] // which names are
	}
	return out
}

// at is when something was to the second, for people; the day is said where it is
// another one.
func at(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04:05")
}

// moment is when something was, for people.
func moment(t, now time.Time) string {
	t = t.In(now.Location())
	switch since := now.Sub(t); {
	case t.IsZero():
		return ""
	case since >= 0 && since < time.Minute:
		return "just now"
	case since >= 0 && since < time.Hour:
		return service.Clock(since.Truncate(time.Minute).Milliseconds()) + " ago"
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return "today " + t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}
