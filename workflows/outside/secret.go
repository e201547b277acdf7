package outside

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Secret reads a secret where a request is about to be sent: from the
// environment, as OT2FLOW_SECRET_ and its name, or from a file of its name in
// the folder that OT2FLOW_SECRETS names. Nothing else of the environment is
// within reach of a workflow.
func Secret(name string) (string, error) {
	if v, ok := os.LookupEnv("OT2FLOW_SECRET_" + name); ok && v != "" {
		return v, nil
	}
	folder := os.Getenv("OT2FLOW_SECRETS")
	if folder != "" {
		data, err := os.ReadFile(filepath.Join(folder, filepath.Base(name)))
		if v := strings.TrimRight(string(data), "\r\n"); err == nil && v != "" {
			return v, nil
		}
	}
	return "", fmt.Errorf("the secret %s is not known: give it in the environment as OT2FLOW_SECRET_%s, or in a file %s in the folder that OT2FLOW_SECRETS names", name, name, name)
}

// revealed is a step with its secrets, and what hides them again.
func (o *Outside) revealed(l *program.Live) (*program.Live, *strings.Replacer, error) {
	if len(l.Secrets) == 0 {
		return l, strings.NewReplacer(), nil
	}
	read := o.Secret
	if read == nil {
		read = Secret
	}
	var show, hide []string
	for _, name := range l.Secrets {
		v, err := read(name)
		if err != nil {
			return nil, nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
		}
		show = append(show, program.SecretMark(name), v)
		hide = append(hide, v, program.SecretMark(name))
	}
	with := strings.NewReplacer(show...)
	out := *l
	out.URL, out.To = with.Replace(l.URL), with.Replace(l.To)
	out.Headers = slices.Clone(l.Headers)
	for i := range out.Headers {
		out.Headers[i] = with.Replace(out.Headers[i])
	}
	return &out, strings.NewReplacer(hide...), nil
}

// hidden is an error without the secrets that it may have been given back.
func hidden(err error, hide *strings.Replacer) error {
	if err == nil {
		return nil
	}
	return &run.Error{Kind: run.KindOf(err), Message: hide.Replace(err.Error())}
}
