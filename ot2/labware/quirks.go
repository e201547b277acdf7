package labware

// The quirks of a definition that change how a pipette uses it.
const (
	quirkNoTouchTip         = "touchTipDisabled"
	quirkCenterMultichannel = "centerMultichannelOnWells"
)
