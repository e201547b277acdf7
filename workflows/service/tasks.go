package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ot2flow/ot2flow/workflows"
)

// Tasks are the workflows that a device carries out, by name.
type Tasks = workflows.Registry[*workflows.Task]

// atHand is how many workflows are ready at the same time. Another one takes some
// milliseconds to be made.
const atHand = 16

// NewTasks are the workflows in files and folders. Each is proved with its defaults
// and examples before it is served, and reads nothing outside of the folder that was
// named.
func NewTasks(roots ...string) *Tasks {
	return tasksOf(workflows.NewProofs(nil, workflows.NewShelf(atHand)), roots)
}

func tasksOf(proofs *workflows.Proofs, roots []string) *Tasks {
	return workflows.NewRegistry(func(_ context.Context, path string) workflows.Result[*workflows.Task] {
		if known, ok := proofs.Recall(path); ok {
			return known
		}
		c := workflows.OpenWithin(roots, path)
		c.Lint(nil)
		out := workflows.ResultOf(c, proofs.Task(c))
		out.OK = out.OK && !c.Diagnostics.HasErrors()
		proofs.Keep(path, c, &out)
		return out
	}, roots...)
}

// Tasks are NewTasks that were looked at, with what the journal remembers of them:
// those that this program has proved before, and that have not changed since, are not
// proved again. Keep has the journal remember what was proved since.
func (s *Service) Tasks(ctx context.Context, roots ...string) (tasks *Tasks, keep func(context.Context) error, err error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	key := proofKey(s.Version, roots)
	known, err := store.Proofs(ctx, key)
	if err != nil {
		return nil, nil, cannot("%v", err)
	}
	proofs := workflows.NewProofs(known, workflows.NewShelf(atHand))
	tasks = tasksOf(proofs, roots)
	if _, err := tasks.Refresh(ctx); err != nil {
		return nil, nil, cannot("%v", err)
	}
	proofs.Settle()
	return tasks, func(ctx context.Context) error {
		data, fresh, err := proofs.Data()
		if err != nil || !fresh {
			return err
		}
		return store.KeepProofs(ctx, key, data)
	}, nil
}

// proofKey stands for the program that has proved something, and for folders. What a
// program is that was just built its version does not say.
func proofKey(version string, roots []string) string {
	built := ""
	if self, err := os.Executable(); err == nil {
		if info, err := os.Stat(self); err == nil {
			built = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", version, built)
	for _, root := range roots {
		full, err := filepath.Abs(root)
		fmt.Fprintf(h, " %q %q %v", root, full, err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
