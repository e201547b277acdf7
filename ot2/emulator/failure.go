package emulator

import "time"

// failure is why a command could not be carried out, with the robot's names.
type failure struct {
	kind, code, detail string
	info               object
}

func fails(kind, detail string) *failure { return &failure{kind, "4000", detail, nil} }

// unplanned is an exception that the robot's software did not foresee.
func unplanned(class, text string) *failure {
	return &failure{"PythonException", "4000", class + ": " + text, object{"class": class}}
}

// occurrence is an error as it stands with a command or a run.
type occurrence struct {
	ID      string       `json:"id"`
	Created stamp        `json:"createdAt"`
	Defined bool         `json:"isDefined"`
	Kind    string       `json:"errorType"`
	Code    string       `json:"errorCode"`
	Detail  string       `json:"detail"`
	Info    object       `json:"errorInfo"`
	Wrapped []occurrence `json:"wrappedErrors"`
}

func (f *failure) occur(id string, at time.Time) *occurrence {
	info := f.info
	if info == nil {
		info = object{}
	}
	return &occurrence{ID: id, Created: stamp(at), Kind: f.kind, Code: f.code, Detail: f.detail, Info: info, Wrapped: []occurrence{}}
}
