package emulator

import "net/http"

// Maintenance runs, which live in memory, and commands outside of any run.

func (e *Emulator) findUpkeep(r *http.Request) (*run, *answer) {
	id := r.PathValue("run")
	if e.upkeep != nil && e.upkeep.id == id {
		return e.upkeep, nil
	}
	a := fault(404, "RunNotFound", "Run Not Found", "Run "+id+" was not found.", "4000")
	return nil, &a
}

// isPlayed reports whether a run was played and is not over.
func (e *Emulator) isPlayed() bool {
	return e.current != nil && e.current.played && !e.current.isOver()
}

func (e *Emulator) postUpkeep(r *http.Request) answer {
	want, bad := readWish(r)
	if bad != nil {
		return *bad
	}
	if e.isPlayed() {
		return fault(409, "ProtocolRunIsActive", "Protocol Run Is Active", "Cannot create maintenance run when a protocol run is active.", "4000")
	}
	if e.upkeep != nil {
		e.upkeep.end()
	}
	e.upkeep = e.newRun()
	e.upkeep.upkeep, e.upkeep.current = true, true
	for _, o := range want.LabwareOffsets {
		e.upkeep.offset(o, e)
	}
	return created(e.upkeep.body())
}

func (e *Emulator) currentUpkeep(*http.Request) answer {
	if e.upkeep == nil {
		return fault(404, "NoCurrentRunFound", "No current run found", "No maintenance run currently running.", "4000")
	}
	return ok(object{"data": e.upkeep.body(), "links": object{"current": object{"href": "/maintenance_runs/" + e.upkeep.id}}})
}

func (e *Emulator) getUpkeep(r *http.Request) answer {
	found, bad := e.findUpkeep(r)
	if bad != nil {
		return *bad
	}
	return okData(found.body())
}

func (e *Emulator) deleteUpkeep(r *http.Request) answer {
	found, bad := e.findUpkeep(r)
	if bad != nil {
		return *bad
	}
	found.end()
	e.upkeep = nil
	return ok(object{})
}

func (e *Emulator) getUpkeepCommands(r *http.Request) answer {
	found, bad := e.findUpkeep(r)
	if bad != nil {
		return *bad
	}
	return found.page(r, "/maintenance_runs/", func(c *entry) object {
		out := c.summary()
		delete(out, "notes")
		return out
	})
}

func (e *Emulator) postUpkeepCommand(r *http.Request) answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	found, bad := e.findUpkeep(r)
	if bad != nil {
		return *bad
	}
	q, bad := readCommand(r, anyCommand)
	if bad != nil {
		return *bad
	}
	q.intent = forSetup
	return e.queueAndWait(r, found, q)
}

func (e *Emulator) getStateless(r *http.Request) answer {
	out := []object{}
	for _, c := range e.stateless.commands {
		out = append(out, c.full())
	}
	return list(out, len(out))
}

func (e *Emulator) postStateless(r *http.Request) answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isPlayed() {
		return refused(409, "RunActive", "Run Active", "RunConflictError", "A run is currently active")
	}
	q, bad := readCommand(r, isStateless)
	if bad != nil {
		return *bad
	}
	q.intent = forSetup
	return e.queueAndWait(r, e.stateless, q)
}
