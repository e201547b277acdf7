package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Record is an event in a journal.
type Record struct {
	Seq   int64 // from 1, without gaps
	At    time.Time
	Event Event
}

type wireRecord struct {
	Seq   int64           `json:"seq"`
	At    time.Time       `json:"at"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// MarshalJSON returns {"seq":…,"at":…,"event":KIND,"data":{…}}.
func (r Record) MarshalJSON() ([]byte, error) {
	data, err := EncodeEvent(r.Event)
	if err != nil {
		return nil, err
	}
	return encode(wireRecord{r.Seq, r.At.UTC(), r.Event.Kind(), data})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(b []byte) error {
	var w wireRecord
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	e, err := DecodeEvent(w.Event, w.Data)
	*r = Record{w.Seq, w.At, e}
	return err
}

// EncodeEvent returns an event's JSON without its kind.
func EncodeEvent(e Event) ([]byte, error) { return encode(e) }

// encode is json.Marshal without its escapes for HTML, which would change a
// Handle on its way.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// DecodeEvent reads what EncodeEvent wrote for an event of that kind. A kind
// it does not know, from a newer version, is an error.
func DecodeEvent(kind string, data []byte) (Event, error) {
	decode, ok := decoderTable[kind]
	if !ok {
		return nil, fmt.Errorf("unknown event %q", kind)
	}
	return decode(data)
}

func decodeAs[E Event](data []byte) (Event, error) {
	var e E
	err := json.Unmarshal(data, &e)
	return e, err
}

// decoderTable has a row for every event; a test proves that none is missing.
var decoderTable = map[string]func([]byte) (Event, error){
	Accepted{}.Kind():    decodeAs[Accepted],
	Opened{}.Kind():      decodeAs[Opened],
	OpenFailed{}.Kind():  decodeAs[OpenFailed],
	Intended{}.Kind():    decodeAs[Intended],
	Sent{}.Kind():        decodeAs[Sent],
	Refused{}.Kind():     decodeAs[Refused],
	StepStarted{}.Kind(): decodeAs[StepStarted],
	StepDone{}.Kind():    decodeAs[StepDone],
	StepFailed{}.Kind():  decodeAs[StepFailed],
	StepTaken{}.Kind():   decodeAs[StepTaken],
	NotTaken{}.Kind():    decodeAs[NotTaken],
	Performed{}.Kind():   decodeAs[Performed],
	TimerSet{}.Kind():    decodeAs[TimerSet],
	TimeUp{}.Kind():      decodeAs[TimeUp],
	Grown{}.Kind():       decodeAs[Grown],
	GrowFailed{}.Kind():  decodeAs[GrowFailed],
	Doubted{}.Kind():     decodeAs[Doubted],
	Waiting{}.Kind():     decodeAs[Waiting],
	PauseAsked{}.Kind():  decodeAs[PauseAsked],
	ResumeAsked{}.Kind(): decodeAs[ResumeAsked],
	StopAsked{}.Kind():   decodeAs[StopAsked],
	AskFailed{}.Kind():   decodeAs[AskFailed],
	Halting{}.Kind():     decodeAs[Halting],
	Resumed{}.Kind():     decodeAs[Resumed],
	Lost{}.Kind():        decodeAs[Lost],
	Regained{}.Kind():    decodeAs[Regained],
	Behind{}.Kind():      decodeAs[Behind],
	Ended{}.Kind():       decodeAs[Ended],
	Left{}.Kind():        decodeAs[Left],
	Restarted{}.Kind():   decodeAs[Restarted],
	Reattached{}.Kind():  decodeAs[Reattached],
	Finished{}.Kind():    decodeAs[Finished],
	Answered{}.Kind():    decodeAs[Answered],
	Continued{}.Kind():   decodeAs[Continued],
}
