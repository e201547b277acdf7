package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	versionHeader    = "opentrons-version"
	minVersionHeader = "opentrons-min-version"
	apiVersion       = 4
	minAPIVersion    = 2
	maxBody          = 64 << 20
)

// stamp is a time as the robot writes it.
type stamp time.Time

// MarshalJSON writes microseconds and the offset of UTC.
func (s stamp) MarshalJSON() ([]byte, error) {
	return time.Time(s).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000+00:00"`), nil
}

// optional is the time, or nil where it has not come.
func optional(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// number is a number as the robot writes it: with a fraction, if only .0.
type number float64

// MarshalJSON writes the shortest decimal that is the number.
func (n number) MarshalJSON() ([]byte, error) {
	b := strconv.AppendFloat(nil, float64(n), 'f', -1, 64)
	for _, c := range b {
		if c == '.' {
			return b, nil
		}
	}
	return append(b, ".0"...), nil
}

// object is a JSON object put together on the spot.
type object = map[string]any

// answer is what a request is answered with.
type answer struct {
	status int
	body   any
	failed bool // errors name the newest version whatever was asked for
}

func ok(body any) answer          { return answer{status: http.StatusOK, body: body} }
func okData(data any) answer      { return ok(object{"data": data}) }
func created(data any) answer     { return answer{status: http.StatusCreated, body: object{"data": data}} }
func list(data any, n int) answer { return ok(object{"data": data, "meta": page0(n)}) }

func page0(n int) object { return object{"cursor": 0, "totalLength": n} }

// trouble is an error in the robot's newer form.
type trouble struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Source object `json:"source,omitempty"`
	Meta   any    `json:"meta,omitempty"`
	Code   string `json:"errorCode"`
}

func (t trouble) with(meta any) trouble { t.Meta = meta; return t }

func troubles(status int, list ...trouble) answer {
	return answer{status, object{"errors": list}, true}
}

func fault(status int, id, title, detail, code string) answer {
	return troubles(status, trouble{ID: id, Title: title, Detail: detail, Code: code})
}

// legacy is an error in the robot's older form.
func legacy(status int, message, code string) answer {
	return answer{status, object{"message": message, "errorCode": code}, true}
}

// exception is the meta of an error that was an exception in the robot.
func exception(kind, code, message string, wrapping ...object) object {
	if wrapping == nil {
		wrapping = []object{}
	}
	return object{"type": kind, "code": code, "message": message, "detail": object{}, "wrapping": wrapping}
}

func notFound() answer { return fault(404, "BadRequest", "Bad Request", "Not Found", "4000") }

func notUp() answer {
	return fault(503, "HardwareNotYetInitialized", "Hardware Not Yet Initialized", "The device's hardware has not finished initializing.", "1000") //nolint:misspell // the robot's word
}

// invalid is a request that cannot be read as what it should be.
func invalid(list ...trouble) answer { return troubles(422, list...) }

func wrong(pointer, detail string) trouble {
	return trouble{ID: "InvalidRequest", Title: "Invalid Request", Detail: detail, Source: object{"pointer": pointer}, Code: "4000"}
}

const required = "field required"

func (e *Emulator) respond(w http.ResponseWriter, a answer) {
	version := apiVersion
	if v, err := strconv.Atoi(w.Header().Get(versionHeader)); err == nil && !a.failed {
		version = v
	}
	w.Header().Set(versionHeader, strconv.Itoa(version))
	w.Header().Set(minVersionHeader, strconv.Itoa(minAPIVersion))
	if text, is := a.body.(string); is {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(a.status)
		send(w, []byte(text))
		return
	}
	body, is := a.body.(json.RawMessage)
	if !is {
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			panic(err) // everything in an answer has a JSON form
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	send(w, body)
}

// endpoint answers one kind of request.
type endpoint func(*http.Request) answer

// locked is an endpoint that reads and writes the robot's state.
func (e *Emulator) locked(f endpoint) endpoint {
	return func(r *http.Request) answer {
		e.mu.Lock()
		defer e.mu.Unlock()
		return f(r)
	}
}

// serve puts an endpoint behind what every endpoint is behind.
func (e *Emulator) serve(f endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		version, bad := negotiate(r)
		switch {
		case e.isDown():
			e.respond(w, notUp())
		case bad != nil:
			e.respond(w, *bad)
		default:
			w.Header().Set(versionHeader, strconv.Itoa(version))
			e.respond(w, f(r))
		}
	}
}

func (e *Emulator) isDown() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down > 0 {
		e.down--
		return true
	}
	e.requests++
	return false
}

// negotiate returns the version of the API to answer in, or the answer to a
// request that names none.
func negotiate(r *http.Request) (int, *answer) {
	if isFree(r) {
		return apiVersion, nil
	}
	text := r.Header.Get(versionHeader)
	if text == "*" {
		return apiVersion, nil
	}
	v, err := strconv.Atoi(text)
	switch {
	case text == "":
		return 0, badHeader(r, required)
	case err != nil:
		return 0, badHeader(r, "unexpected value; permitted: '*'", "value is not a valid integer")
	case v < minAPIVersion:
		a := fault(400, "OutdatedAPIVersion", "Requested HTTP API version no longer supported",
			"The requested API version '"+text+"' is not supported; the oldest that is supported is '2'.", "4000")
		return 0, &a
	}
	return min(v, apiVersion), nil
}

func badHeader(r *http.Request, details ...string) *answer {
	if isLegacy(r) {
		a := legacy(422, "header."+versionHeader+": "+strings.Join(details, "; header."+versionHeader+": "), "4000")
		return &a
	}
	var all []trouble
	for _, d := range details {
		all = append(all, trouble{ID: "InvalidRequest", Title: "Invalid Request", Detail: d, Source: object{"header": versionHeader}, Code: "4000"})
	}
	a := invalid(all...)
	return &a
}

// isFree reports whether a request needs no version.
func isFree(r *http.Request) bool {
	for _, p := range []string{"/logs/", "/openapi", "/redoc", "/ot2flow/"} {
		if strings.HasPrefix(r.URL.Path, p) {
			return true
		}
	}
	return false
}

// isLegacy reports whether a request is of those whose errors have the older
// form.
func isLegacy(r *http.Request) bool {
	p := r.URL.Path
	switch p {
	case "/health", "/identify", "/pipettes", "/robot/positions", "/robot/home", "/robot/move", "/robot/lights", "/calibration/status":
		return true
	}
	for _, prefix := range []string{"/settings", "/networking/", "/wifi/", "/motors/", "/camera/"} {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return r.Method == http.MethodPost && strings.HasPrefix(p, "/modules/")
}

// read decodes the data of a request's body.
func read(r *http.Request, into any) *answer {
	var body struct{ Data json.RawMessage }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		a := invalid(wrong("/", "value is not a valid JSON object"))
		return &a
	}
	if body.Data == nil {
		a := invalid(wrong("/data", required))
		return &a
	}
	if err := json.Unmarshal(body.Data, into); err != nil {
		a := invalid(wrong("/data", "value is not a valid dict"))
		return &a
	}
	return nil
}

// length reads the pageLength or cursor of a request.
func length(r *http.Request, name string, without int) (int, *answer) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || name == "pageLength" && n < 0 {
		a := invalid(trouble{ID: "InvalidRequest", Title: "Invalid Request", Detail: "value is not a valid integer", Source: object{"parameter": name}, Code: "4000"})
		return 0, &a
	}
	return n, nil
}
