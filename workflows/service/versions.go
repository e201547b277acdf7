package service

import (
	"context"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// VersionView is a version of a task as transports show it.
type VersionView struct {
	Hash   string    `json:"hash"`
	File   string    `json:"file"`
	At     time.Time `json:"at" doc:"Since when it is served, or was the last time."`
	Served bool      `json:"served,omitempty" doc:"It is served now."`
}

// versionsAtOnce is how many versions share a transaction: others write in between.
const versionsAtOnce = 64

// KeepVersions keeps the tasks as they are now, with their files, by their hashes.
func (d *Device) KeepVersions(ctx context.Context) error {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	known, err := store.NewestVersions(ctx)
	if err != nil {
		return cannot("%v", err)
	}
	var list []journal.Version
	for _, v := range d.Tasks.Snapshot().Versions {
		if known[v.Name] != v.Hash {
			list = append(list, journal.Version{Hash: v.Hash, Workflow: v.Name, File: v.Path, Files: v.Value.Files()})
		}
	}
	for part := range slices.Chunk(list, versionsAtOnce) {
		if err := store.KeepVersions(ctx, part); err != nil {
			return cannot("%v", err)
		}
	}
	return nil
}

// Versions are those of a task that have been served, newest first; also of one that is
// not served any more.
func (d *Device) Versions(ctx context.Context, task string) ([]VersionView, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	now, ok := d.Tasks.Snapshot().Lookup(task)
	if ok {
		task = now.Name
	}
	list, err := store.Versions(ctx, task)
	if err != nil {
		return nil, cannot("%v", err)
	}
	if len(list) == 0 && !ok {
		return nil, d.NoTask(task)
	}
	out := []VersionView{}
	for _, v := range list {
		out = append(out, VersionView{v.Hash, v.File, v.At, ok && v.Hash == now.Hash})
	}
	return out, nil
}

// VersionFiles are the files of a version, by name.
func (d *Device) VersionFiles(ctx context.Context, hash string) (map[string]string, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.VersionFiles(ctx, hash)
	if err != nil {
		return nil, cannot("%v", err)
	}
	if list == nil {
		return nil, missing("no version has the hash %s; GET /tasks/TASK/versions lists them", hash)
	}
	out := map[string]string{}
	for _, f := range list {
		out[f.Name] = string(f.Data)
	}
	return out, nil
}
