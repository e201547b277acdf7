package main

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a package may spend before main starts, in its fastest run of several.
// Every command pays for every package that is linked, so a package that is
// over its budget is replaced, or loaded where it is needed.
const (
	initBudget     = 1500 * time.Microsecond
	initBudgetOurs = 300 * time.Microsecond
)

// initBudgets are for packages that are worth more.
var initBudgets = map[string]time.Duration{
	"github.com/santhosh-tekuri/jsonschema/v5": 12 * time.Millisecond, // compiles the metaschemas
}

// heavy are packages that must not be linked, and what to use instead. Each
// would cost milliseconds or megabytes in every command.
var heavy = map[string]string{
	"github.com/xuri/excelize":                   "github.com/tealeg/xlsx/v3 for worklists",
	"github.com/prometheus/client_golang":        "github.com/VictoriaMetrics/metrics",
	"google.golang.org/grpc":                     "nothing; no transport of ours is gRPC",
	"google.golang.org/protobuf":                 "nothing; our forms are JSON",
	"github.com/spf13/viper":                     "the flags of cobra",
	"k8s.io/client-go":                           "nothing",
	"github.com/santhosh-tekuri/jsonschema/v6":   "v5, which is linked already",
	"github.com/charmbracelet/bubbletea":         "golang.org/x/term",
	"github.com/aws/aws-sdk-go":                  "nothing",
	"go.opentelemetry.io/otel/exporters":         "an exporter that is loaded on request",
	"net/http/pprof":                             "an option of the test binary",
	"github.com/mattn/go-sqlite3":                "modernc.org/sqlite, which needs no C",
	"github.com/google/go-cmp/cmp":               "it is for tests",
	"github.com/rogpeppe/go-internal/testscript": "it is for tests",
	"pgregory.net/rapid":                         "it is for tests",
	"go.uber.org/goleak":                         "it is for tests",
	"testing":                                    "it is for tests",
}

// build builds the command and returns its path.
func build(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "ot2flow")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// inits runs a command and returns how long each package took to initialise.
func inits(t *testing.T, bin string) map[string]time.Duration {
	t.Helper()
	cmd := exec.Command(bin, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatalf("ot2flow version: %v\n%s", err, &trace)
	}
	took := map[string]time.Duration{}
	line := regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)
	for _, m := range line.FindAllStringSubmatch(trace.String(), -1) {
		ms, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatalf("unexpected line %q", m[0])
		}
		pkg, err := url.PathUnescape(m[1]) // yaml%2ev3
		if err != nil {
			t.Fatalf("unexpected line %q", m[0])
		}
		took[pkg] = time.Duration(ms * float64(time.Millisecond))
	}
	return took
}

func TestStartUp(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	bin := build(t)
	least := inits(t, bin)
	for range 9 {
		for pkg, d := range inits(t, bin) {
			if was, ok := least[pkg]; !ok || d < was {
				least[pkg] = d
			}
		}
	}
	if len(least) < 5 {
		t.Fatalf("the trace has only %d packages: %v", len(least), least)
	}
	for pkg, d := range least {
		if limit := budget(pkg); d > limit {
			t.Errorf("%s takes %v to initialise; its budget is %v", pkg, d, limit)
		}
	}
}

func budget(pkg string) time.Duration {
	if limit, ok := initBudgets[pkg]; ok {
		return limit
	}
	if pkg == "main" || strings.HasPrefix(pkg, "github.com/ot2flow/") {
		return initBudgetOurs
	}
	return initBudget
}

func TestNothingHeavyIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		for name, instead := range heavy {
			if pkg == name || strings.HasPrefix(pkg, name+"/") {
				t.Errorf("%s is linked; instead: %s", pkg, instead)
			}
		}
	}
}
