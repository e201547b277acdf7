package journal

import (
	"context"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Version is a workflow as a server offered it at some time. Versions are kept until they
// are pruned; a text that several are made of is kept once.
type Version struct {
	Hash     string         // of all files
	Workflow string         // its name
	File     string         // where it stood
	At       time.Time      // since when it was offered, the last time
	Files    []program.File // of KeepVersions; Versions leaves them out
}

// newest says of a version that no other one of its workflow was offered since.
const newest = "NOT EXISTS (SELECT 1 FROM versions n WHERE n.workflow = versions.workflow AND n.key > versions.key)"

// NewestVersions returns the hashes of those that were offered last, by workflow.
func (s *Store) NewestVersions(ctx context.Context) (map[string]string, error) {
	list, err := rowsOf(ctx, s, "SELECT workflow, hash FROM versions WHERE "+newest, func(scan func(...any) error) (of [2]string, err error) {
		return of, scan(&of[0], &of[1])
	})
	out := make(map[string]string, len(list))
	for _, of := range list {
		out[of[0]] = of[1]
	}
	return out, err
}

// KeepVersions keeps versions that are offered from now on. One that was before, and is
// again, becomes the newest.
func (s *Store) KeepVersions(ctx context.Context, list []Version) error {
	files := make([][]content, len(list))
	for i := range list {
		for _, f := range list[i].Files {
			c, err := packed(f.Data)
			if err != nil {
				return err
			}
			files[i] = append(files[i], c)
		}
	}
	return s.write(ctx, func(t *tx) error {
		for i := range list {
			if err := t.keepVersion(&list[i], files[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) keepVersion(v *Version, files []content) error {
	var key int64
	if found, err := t.row("SELECT key FROM versions WHERE hash = ? AND workflow = ? AND "+newest, []any{v.Hash, v.Workflow}, &key); err != nil || found {
		return err
	}
	if err := t.exec("DELETE FROM versions WHERE hash = ?", v.Hash); err != nil {
		return err
	}
	key, err := t.insert("INSERT INTO versions (hash, workflow, file, at) VALUES (?, ?, ?, ?)", v.Hash, v.Workflow, v.File, t.now)
	for i := 0; i < len(files) && err == nil; i++ {
		var blob int64
		if blob, err = t.keep(files[i]); err == nil {
			err = t.exec("INSERT INTO version_files (version, n, name, blob) VALUES (?, ?, ?, ?)", key, i, v.Files[i].Name, blob)
		}
	}
	return err
}

// Versions returns the versions of a workflow that are kept, newest first, without their
// files.
func (s *Store) Versions(ctx context.Context, workflow string) ([]Version, error) {
	return rowsOf(ctx, s, "SELECT hash, workflow, file, at FROM versions WHERE workflow = ? ORDER BY key DESC", func(scan func(...any) error) (v Version, err error) {
		var at int64
		err = scan(&v.Hash, &v.Workflow, &v.File, &at)
		v.At = timeOf(at)
		return v, err
	}, workflow)
}

// VersionFiles returns the files of a version; nil where none is kept under the hash.
func (s *Store) VersionFiles(ctx context.Context, hash string) ([]program.File, error) {
	type row struct {
		name string
		blob int64
	}
	list, err := rowsOf(ctx, s, "SELECT f.name, f.blob FROM version_files f JOIN versions v ON v.key = f.version WHERE v.hash = ? ORDER BY f.n", func(scan func(...any) error) (r row, err error) {
		err = scan(&r.name, &r.blob)
		return r, err
	}, hash)
	var out []program.File
	for i := 0; i < len(list) && err == nil; i++ {
		f := program.File{Name: list[i].name}
		f.Data, err = s.blob(ctx, list[i].blob)
		out = append(out, f)
	}
	return out, err
}
