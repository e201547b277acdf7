package server

import (
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// What needs more than seeing. Everything else is a viewer's.
var needsMore = map[string]service.Role{
	"POST /execute/{task}":      service.Operator,
	"POST /tasks/{task}/runs":   service.Operator,
	"POST /runs":                service.Operator,
	"POST /runs/{run}/pause":    service.Operator,
	"POST /runs/{run}/resume":   service.Operator,
	"POST /runs/{run}/stop":     service.Operator,
	"POST /runs/{run}/answer":   service.Operator,
	"POST /runs/{run}/decision": service.Operator,

	"POST /robots/{robot}/pause":  service.Operator,
	"POST /robots/{robot}/resume": service.Operator,
	"POST /maintenance":           service.Admin,
	"DELETE /maintenance/{id}":    service.Admin,

	"POST /lab/workflows/{task}":     service.Operator,
	"POST /lab/runs/{run}/control":   service.Operator,
	"POST /lab/runs/{run}/answer":    service.Operator,
	"POST /lab/runs/{run}/decision":  service.Operator,
	"POST /lab/editor":               service.Operator,
	"GET /lab/tokens":                service.Admin,
	"POST /lab/tokens":               service.Admin,
	"POST /lab/tokens/{id}/revoke":   service.Admin,
	"POST /lab/robots/{robot}/queue": service.Operator,
}

// tokenOf makes a token in the journal of a bench.
func (b *bench) tokenOf(name string, role service.Role, expires time.Time, robots ...string) (secret, id string) {
	b.t.Helper()
	secret, made, err := b.device.Service.NewToken(b.t.Context(), name, role, robots, expires)
	if err != nil {
		b.t.Fatal(err)
	}
	return secret, made.ID
}

// Authentication that always says yes: here every operation asks for a token that is
// worth something, and for the role that it needs.
func TestEveryOperationAsksWho(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, mixText), Options{Tokens: true})
	later := time.Now().Add(time.Hour)
	viewer, _ := b.tokenOf("vi", service.Viewer, later)
	operator, _ := b.tokenOf("op", service.Operator, time.Time{})
	admin, _ := b.tokenOf("ad", service.Admin, later)
	here, _ := b.tokenOf("he", service.Admin, later, "other", service.Sim)
	elsewhere, _ := b.tokenOf("el", service.Admin, later, "other")
	expired, _ := b.tokenOf("ex", service.Admin, time.Now().Add(-time.Second))
	revoked, id := b.tokenOf("re", service.Admin, later)
	if err := b.device.Service.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	v := b.want(200, "POST", "/tasks/mix-colors/runs", `{}`, "Prefer", "wait=60", "Authorization", "Bearer "+operator)
	run, _ := v["id"].(string)
	g := b.server.gate()
	b.server.operations(g, b.server.blank())
	served := g.served
	if len(served) < 18 {
		t.Fatalf("only %d patterns are served", len(served))
	}
	for pattern := range needsMore {
		if _, there := served[pattern]; !there {
			t.Errorf("%s is not served", pattern)
		}
	}
	// The last letter of the secret has bits that are no part of it.
	almost := operator[:len(operator)-2] + string(operator[len(operator)-2]^1) + operator[len(operator)-1:]
	for _, pattern := range slices.Sorted(maps.Keys(served)) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern+"nothing"
		}
		path = strings.NewReplacer("{task}", "mix-colors", "{run}", run, "{robot}", service.Sim, "{id}", "1", "{name}", "style.css", "{$}", "").Replace(path)
		needs := max(service.Viewer, needsMore[pattern])
		if got := served[pattern].role; got != needs && !open[pattern] {
			t.Errorf("%s is for a %s", pattern, got)
		}
		for _, c := range []struct {
			header string
			good   bool // says who it is
			may    bool
		}{
			{"", false, false},
			{"Bearer ", false, false},
			{"Bearer nonsense", false, false},
			{"Bearer ot2flow_", false, false},
			{"Bearer " + almost, false, false},
			{"Bearer " + strings.ToUpper(operator), false, false},
			{"Bearer " + expired, false, false},
			{"Bearer " + revoked, false, false},
			{"Negotiate " + admin, false, false},
			{"Bearer " + elsewhere, true, needs <= service.Viewer},
			{"Bearer " + here, true, needs <= service.Viewer || !ofAll.MatchString(pattern)},
			{"Bearer " + viewer, true, needs <= service.Viewer},
			{"bearer " + operator, true, needs <= service.Operator},
			{"Bearer " + admin, true, true},
		} {
			status, challenge := b.statusOf(method, path, c.header)
			switch {
			case open[pattern]:
				if status == 401 || status == 403 {
					t.Errorf("%s with %q: %d", pattern, c.header, status)
				}
			case !c.good && (status != 401 || !served[pattern].page && !strings.Contains(challenge, "Bearer")):
				t.Errorf("%s with %q: %d (%s), want 401", pattern, c.header, status, challenge)
			case c.good && !c.may && status != 403:
				t.Errorf("%s with %.12q: %d, want 403", pattern, c.header, status)
			case c.may && (status == 401 || status == 403):
				t.Errorf("%s with %.12q: %d, and may", pattern, c.header, status)
			}
		}
	}
}

// ofAll are patterns that are about no single robot.
var ofAll = regexp.MustCompile(`/maintenance|/lab/tokens|/lab/editor`)

// open are patterns that ask nobody who they are.
var open = map[string]bool{
	"GET /healthz": true, "GET /readyz": true,
	"GET /{$}": true, "GET /lab/static/{name}": true, "GET /lab/login": true, "POST /lab/login": true, "POST /lab/logout": true,
}

func (b *bench) statusOf(method, path, authorization string) (status int, challenge string) {
	b.t.Helper()
	var body string
	if method == "POST" {
		body = "{}"
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
}

// Something is done under the name of the token, never under one that a client says;
// and it is written down who did it, and what was refused.
func TestDoneUnderTheNameOfTheToken(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, askText), Options{Tokens: true})
	ada, id := b.tokenOf("ada", service.Operator, time.Time{})
	bo, _ := b.tokenOf("bo", service.Viewer, time.Time{})
	as := []string{"Authorization", "Bearer " + ada}
	v := b.want(403, "POST", "/tasks/asks/runs?by=bo", `{}`, as...)
	if !strings.Contains(v["detail"].(string), "that of ada") {
		t.Errorf("%v", v)
	}
	run := b.want(202, "POST", "/tasks/asks/runs?by=ada", `{}`, as...)["id"].(string)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if v = b.want(200, "GET", "/runs/"+run, "", as...); asksNow(v) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v", v)
		}
	}
	if v["by"] != "ada" {
		t.Errorf("%v", v)
	}
	b.want(403, "POST", "/runs/"+run+"/answer", `{"value": "7", "by": "eve"}`, as...)
	b.want(403, "POST", "/runs/"+run+"/answer", `{"value": "7"}`, "Authorization", "Bearer "+bo)
	b.want(200, "POST", "/runs/"+run+"/answer", `{"value": "7"}`, as...)
	b.want(200, "GET", "/runs/"+run, "", append(as, "Prefer", "wait=60")...)
	var whole strings.Builder
	if err := b.device.Events(t.Context(), run, 0, func(_ int64, _ string, record []byte) error {
		whole.Write(record)
		return nil
	}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.String(), `"by":"ada`) {
		t.Errorf("the answer is not ada's: %s", whole.String())
	}
	store, err := b.device.Service.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, err := range store.Deeds(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(d.What+d.Outcome, ada) {
			t.Errorf("the secret is written down: %v", d)
		}
		outcome, _, _ := strings.Cut(d.Outcome, ":")
		if d.By.Name == "ada" && d.By != (journal.Holder{Name: "ada", Host: d.By.Host}) || strings.HasPrefix(d.What, "POST") && d.By.Name == "ada" && d.Token != id {
			t.Errorf("%+v", d)
		}
		got = append(got, d.By.Name+": "+strings.ReplaceAll(d.What, run, "RUN")+": "+outcome)
	}
	got = got[2:] // the tokens were made
	want := []string{
		"ada: submitted run RUN of asks: begun",
		"ada: POST /runs/RUN/answer: refused",
		"bo: POST /runs/RUN/answer: refused",
		"ada: POST /runs/RUN/answer: done",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// On this computer nobody has to show a token; whoever shows one has to show a good
// one. As a password it is good, too, for browsers.
func TestTokensWithoutNeed(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText)
	viewer, _ := b.tokenOf("vi", service.Viewer, time.Time{})
	b.want(200, "GET", "/health", "")
	v := b.want(401, "GET", "/health", "", "Authorization", "Bearer ot2flow_x_y")
	if !strings.Contains(v["detail"].(string), "ot2flow tokens add") {
		t.Errorf("%v", v)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", b.URL+"/docs", nil)
	r.SetBasicAuth("vi", viewer)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	r, _ = http.NewRequestWithContext(t.Context(), "POST", b.URL+"/runs", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth("vi", viewer)
	if resp, err = http.DefaultClient.Do(r); err != nil || resp.StatusCode != 403 {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
}

// Whoever listens to a run when their token is revoked hears nothing more.
func TestRevokedListenersAreLeft(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, askText), Options{Tokens: true})
	op, id := b.tokenOf("op", service.Operator, time.Time{})
	ad, _ := b.tokenOf("ad", service.Operator, time.Time{})
	run := b.want(202, "POST", "/tasks/asks/runs", `{}`, "Authorization", "Bearer "+op)["id"].(string)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", b.URL+"/runs/"+run+"/events", nil)
	r.Header.Set("Authorization", "Bearer "+op)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := b.device.Service.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := b.statusOf("GET", "/health", "Bearer "+op); status == 401 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the server does not hear that it was revoked")
		}
	}
	b.want(202, "POST", "/runs/"+run+"/stop", "", "Authorization", "Bearer "+ad)
	heard, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(heard), "event: end") || !strings.Contains(string(heard), "event: accepted") {
		t.Errorf("%s %v", heard, err)
	}
}
