package emulator

import "net/http"

// routes is the robot's API.
func (e *Emulator) routes() http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, f endpoint) { mux.HandleFunc(pattern, e.serve(e.locked(f))) }

	on("GET /health", e.health)
	on("GET /instruments", e.instruments)
	on("GET /pipettes", e.mounts)
	on("GET /modules", e.getModules)
	on("POST /modules/{serial}", func(*http.Request) answer {
		return legacy(410, "/modules/{serial} is not available after API version 3. This endpoint has been removed. Use POST /commands instead.", "4002")
	})
	on("GET /robot/door/status", e.door)
	on("GET /robot/lights", func(*http.Request) answer { return ok(object{"on": e.lights}) })
	on("POST /robot/lights", e.setLights)
	on("GET /robot/positions", positions)
	on("POST /robot/home", e.home)
	on("POST /identify", func(*http.Request) answer { return ok(object{"message": "identifying"}) })
	on("GET /robot/control/estopStatus", notOnOT2)
	on("GET /subsystems/status", notOnOT2)
	on("GET /motors/engaged", engaged)
	on("GET /settings", e.settings)
	on("POST /settings", e.setSetting)
	on("GET /system/time", e.time)
	on("GET /deck_configuration", deckConfiguration)
	on("GET /errorRecovery/settings", recovery)
	on("PATCH /errorRecovery/settings", recovery)
	on("DELETE /errorRecovery/settings", recovery)
	on("GET /logs/{id}", func(*http.Request) answer { return ok("-- No entries --\n") })
	on("GET /labware/calibrations", func(*http.Request) answer {
		return fault(410, "LabwareCalibrationEndpointsRemoved", "Labware Calibration Endpoints Removed", "Use the `/runs` endpoints to manage labware offsets.", "4002")
	})
	on("GET /sessions", func(*http.Request) answer { return ok(object{"data": []object{}, "links": nil}) })
	mux.HandleFunc("POST /dataFiles", e.serve(e.postTable))
	on("GET /dataFiles", func(*http.Request) answer { return list([]object{}, 0) })
	on("PUT /clientData/{key}", e.putClientData)
	on("GET /clientData/{key}", e.getClientData)
	on("DELETE /clientData/{key}", e.deleteClientData)
	on("DELETE /clientData", e.deleteClientData)

	on("GET /runs", e.listRuns)
	on("POST /runs", e.postRun)
	on("GET /runs/{run}", e.getRun)
	on("PATCH /runs/{run}", e.patchRun)
	on("DELETE /runs/{run}", e.deleteRun)
	on("POST /runs/{run}/actions", e.postAction)
	on("GET /runs/{run}/commands", e.getCommands)
	on("GET /runs/{run}/commands/{command}", e.getCommand)
	on("GET /runs/{run}/commandsAsPreSerializedList", e.getSerialized)
	on("GET /runs/{run}/commandErrors", e.getCommandErrors)
	on("GET /runs/{run}/currentState", e.getCurrentState)
	on("PUT /runs/{run}/errorRecoveryPolicy", e.putPolicy)
	on("POST /runs/{run}/labware_offsets", e.postOffset)
	on("POST /runs/{run}/labware_definitions", e.postDefinition)
	on("GET /runs/{run}/loaded_labware_definitions", e.getDefinitions)
	mux.HandleFunc("POST /runs/{run}/commands", e.serve(e.postCommand)) // waits outside the lock

	on("POST /maintenance_runs", e.postUpkeep)
	on("GET /maintenance_runs/current_run", e.currentUpkeep)
	on("GET /maintenance_runs/{run}", e.getUpkeep)
	on("DELETE /maintenance_runs/{run}", e.deleteUpkeep)
	on("GET /maintenance_runs/{run}/commands", e.getUpkeepCommands)
	mux.HandleFunc("POST /maintenance_runs/{run}/commands", e.serve(e.postUpkeepCommand))
	on("GET /commands", e.getStateless)
	mux.HandleFunc("POST /commands", e.serve(e.postStateless))

	mux.HandleFunc("POST /protocols", e.serve(e.postProtocol)) // reads an upload outside the lock
	on("GET /protocols", e.listProtocols)
	on("GET /protocols/ids", e.protocolIDs)
	on("GET /protocols/{protocol}", e.getProtocol)
	on("DELETE /protocols/{protocol}", e.deleteProtocol)
	on("GET /protocols/{protocol}/analyses", e.getAnalyses)
	on("POST /protocols/{protocol}/analyses", e.postAnalysis)
	on("GET /protocols/{protocol}/analyses/{analysis}", e.getAnalysis)
	on("GET /protocols/{protocol}/analyses/{analysis}/asDocument", e.getAnalysisDocument)

	on("GET /ot2flow/wells", e.wells)

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { e.respond(w, elsewhere(mux, r)) })
	return mux
}

// elsewhere answers what no endpoint answers: a path that is not there, or one
// that is, with another method.
func elsewhere(mux *http.ServeMux, r *http.Request) answer {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
			return fault(405, "BadRequest", "Bad Request", "Method Not Allowed", "4000")
		}
	}
	return notFound()
}
