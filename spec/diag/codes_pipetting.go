package diag

// Codes OTF5xx, tips and pipetting limits.
var (
	OutOfTips      = &Code{"OTF501", "out-of-tips", "A step needs a new tip and no rack of the pipette has one left. Tips that a liquid keeps for itself, and tips that were returned, are not given out again. Add a tip rack under labware and name it in the pipette's tips, or use a tip for more than one aliquot."}
	NoTip          = &Code{"OTF502", "no-tip", "An operation needs a tip and the pipette has none on: it would draw liquid into the pipette itself. Pick up a tip before it."}
	HasTip         = &Code{"OTF503", "tip-already-on", "A tip is picked up while another is on. The robot would press one tip into the other. Drop or return the first one before."}
	TipMissing     = &Code{"OTF504", "tip-missing", "There is no tip at the place a step picks up from: it was taken earlier and not returned. Return it before, or use another place."}
	BelowMinimum   = &Code{"OTF505", "below-minimum", "A pipette is accurate only from its minimum upwards; below it, what arrives in the well can be off by tens of percent, and the robot does not say so. Use a smaller pipette, or move a larger volume, for example of a dilution."}
	TooMuchForTip  = &Code{"OTF506", "too-much-for-tip", "More is drawn than fits: the limit is the smaller of what the pipette moves and what the tip holds, and liquid, air gaps and what was held before count together. Liquid would get into the pipette. Draw less at a time, or let a transfer divide the volume with split: even."}
	OverHeld       = &Code{"OTF507", "dispenses-more-than-held", "More is dispensed than the tip holds. The robot would stop with an error, or push air. Dispense less, or draw more before."}
	BadVolume      = &Code{"OTF508", "bad-volume", "A volume that is negative, or zero where something must be moved, makes no sense to a pipette. In a transfer or formulate, 0 skips the pair; a single operation with 0 is an error, because it could have no effect."}
	BadRate        = &Code{"OTF509", "bad-rate", "A flow rate or speed must be above zero, or the robot would never arrive."}
	BadDuration    = &Code{"OTF510", "bad-duration", "A delay cannot be negative."}
	BadCount       = &Code{"OTF511", "bad-count", "A number of times or a fraction is out of its range. The message says which numbers make sense."}
	BadHeight      = &Code{"OTF512", "bad-height", "A height or offset is metres away from the labware. Heights are a few millimetres from the top, the bottom or the centre of a well. Check the unit."}
	BelowBottom    = &Code{"OTF513", "below-bottom", "The tip would be driven into the bottom of the well. That bends tips, moves labware and can damage the pipette. Raise the height: bottom + 1 mm is usual."}
	NoDedicatedTip = &Code{"OTF514", "no-dedicated-tip", "`tip: dedicated` uses the tip that a liquid keeps for itself and returns it afterwards. The liquid drawn here has none, or the step draws from a well that is no declared liquid. Name a tip in the liquid's declaration."}
	PlaceTaken     = &Code{"OTF515", "tip-place-taken", "A tip is put into a place that has one already. The robot would press it onto the other. Put it back where it came from, or drop it into the trash."}
	LiquidLost     = &Code{"OTF516", "liquid-in-tip", "A tip is dropped or returned while it holds liquid. What it holds is lost, or drips; a returned tip carries it back into the rack. Dispense it, or blow out into the trash, before."}
	TouchRefused   = &Code{"OTF517", "touch-refused", "The tip is to touch the sides of labware whose definition forbids it (the quirk touchTipDisabled; reservoirs have it), or of a place in a tip rack. The robot's software refuses that when it reads the program. Leave the touch out, or touch the sides of other labware."}
	PushOutRefused = &Code{"OTF518", "push-out-refused", "A push-out moves the plunger past the end of its way, which it reaches only with an empty tip. The robot stops in the middle of the run where a dispense with a push-out leaves something in the tip. Give the push-out to the last dispense."}
	MixHolding     = &Code{"OTF519", "mix-while-holding", "A tip mixes by drawing and giving in one well, which it can do only while it holds nothing else. In a distribute the tip still holds what the next wells get, or the disposal; in a consolidate it holds what was drawn from the wells before. The vendor's software leaves such a mix out without a word. Mix with a step of its own, or use a transfer, where the tip is empty each time."}
	TipRule        = &Code{"OTF520", "tip-rule-cannot-be-kept", "A tip rule asks for a tip for each source, each destination or each liquid, and the step brings several of them together in one tip. tip: new takes a new tip for every filling; a transfer has a filling for every well."}
	DisposalInWell = &Code{"OTF521", "disposal-into-destination", "A distribute draws a little more than it gives, so that the last well gets as much as the first, and blows out the rest. Blown out into a destination, it would be more than was asked for. Let it go to the trash, back to the source or to a well for waste, or do without: disposal: 0 uL."}

	NotAColumn     = &Code{"OTF530", "not-a-column", "An 8-channel pipette works on whole columns: it draws and gives the same volume with all its channels at once. A list of wells for it names whole columns, well by well or as plate.column(1), or the well of row A for its column; on a plate of 384 wells, that of row A or B for every second row. With some of the nozzles, it is as many wells below each other as there are tips. Complete the column, use a single-channel pipette for single wells, or take a tip with one nozzle only: nozzles: H1."}
	OffWell        = &Code{"OTF531", "channel-over-nothing", "A channel of an 8-channel pipette would be over no well or no tip. Its nozzles are 9 mm apart, as the wells of a column of a 96-well plate; on 384 wells they are in every second row, and a trough takes all of them. They do not fit into a rack of tubes or a plate of 24 or 48, and not below row A of a plate of 96. Use a single-channel pipette, or one nozzle: nozzles: H1."}
	PartialRefused = &Code{"OTF533", "partial-tips-refused", "An 8-channel pipette that works with some of its nozzles stands out over what is beside the labware: with H1, its body is behind the tip, with A1 in front of it. Where something there is as high as the pipette's body, or where the deck ends, the vendor's software refuses the movement (PartialTipMovementNotAllowedError), and the robot itself would drive into it. Nor does it put tips back into a rack in that case. Leave the slot beside it free or put something lower there, use a well further away, or a single-channel pipette."}
	TipsBeside     = &Code{"OTF532", "tips-beside", "A nozzle that takes no tip would press on one, and take it along. With H1 as the first nozzle, the others are behind it, so tips are taken from the back of a column; with A1, from its front. Let the tips be chosen, or pick up where those beside are gone."}
)

var pipettingCodes = []*Code{
	OutOfTips, NoTip, HasTip, TipMissing, BelowMinimum, TooMuchForTip, OverHeld, BadVolume, BadRate, BadDuration, BadCount, BadHeight, BelowBottom,
	NoDedicatedTip, PlaceTaken, LiquidLost, TouchRefused, PushOutRefused, MixHolding, TipRule, DisposalInWell,
	NotAColumn, OffWell, TipsBeside, PartialRefused,
}
