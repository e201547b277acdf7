package program

// Timeline replays the plan from a fresh state and shows f every step with the
// state after it, as the expansion that made the plan did; Blame and Movement
// are nil, because a plan keeps neither. A Transition is valid only during the
// call. Timeline returns the state after the last step shown, and the error of
// f, which ends it.
func (p *Plan) Timeline(f func(*Transition) error) (*State, error) {
	return p.TimelineFrom(NewState(p.Deck), f)
}

// TimelineFrom is Timeline from a state that is not a fresh one, and that it
// changes: of what remains of a plan whose other steps are done.
func (p *Plan) TimelineFrom(state *State, f func(*Transition) error) (*State, error) {
	at := Transition{After: state}
	for i := range p.Steps {
		at.Step = &p.Steps[i]
		at.Touched = state.Do(at.Step)
		if err := f(&at); err != nil {
			return state, err
		}
	}
	return state, nil
}
