package diag

// Codes OTF6xx, liquids in wells.
var (
	EmptyWell      = &Code{"OTF601", "empty-well", "Liquid is drawn from a well that holds none: nothing was declared for it and nothing was put there before. The robot would draw air and go on. Check the well, or declare what stands in it under liquids."}
	OverAspirate   = &Code{"OTF602", "over-aspirate", "More is drawn than the well holds at that point of the program. The robot would draw air without noticing, and every later volume would be wrong. ot2flow counts what is declared under liquids and what every step adds and takes. Draw less, or declare more if there is more."}
	Overflow       = &Code{"OTF603", "overflow", "The well would hold more than its capacity at that point of the program, counted over all steps. It spills into its neighbours. Give less, or use a labware with larger wells."}
	NoLiquidHere   = &Code{"OTF604", "no-liquid-here", "A place of a tip rack holds a tip, and no liquid can be drawn from it or put into it. Name a well of a plate, a rack of tubes or a reservoir."}
	TwoLiquids     = &Code{"OTF605", "two-liquids-in-a-well", "A well is declared twice under liquids. Before the run a well holds one liquid; a mixture is a liquid of its own. One of the two places is most likely a slip."}
	ListsDoNotPair = &Code{"OTF606", "lists-do-not-pair", "Sources, destinations and volumes are paired one to one. A single one serves all; a shorter list whose length divides the longer is stretched by repeating each element in place. Other lengths leave something over, so they are an error. Check which wells the lists hold."}
	OnePlace       = &Code{"OTF607", "one-place", "A distribute draws from one place and a consolidate gives to one. With several, some would have to be left out, as the vendor's software does without a word. A transfer pairs several sources with several destinations; wells of the same liquid, declared together under liquids, are a pool and count as one source."}
	MostlyWaste    = &Code{"OTF608", "mostly-waste", "The disposal of a distribute is drawn at every filling of the tip and thrown away. Here it is so large that more is thrown away than given. A disposal of the pipette's minimum is usual; a transfer needs none."}
	CannotDilute   = &Code{"OTF609", "cannot-dilute", "A dilution begins with a well that holds what is diluted and goes on to empty ones. Each of those gets the diluent, volume, and then volume / (factor - 1) of the well before; in the end every well holds volume. So the first must hold volume and what is carried on, there must be a well to go on to, and the factor must be above 1. The message says which of these is not so, and how much is missing."}

	CannotFormulate = &Code{"OTF610", "cannot-formulate", "The wells cannot get what is asked for. Volumes that add up to more than the total leave no room for the diluent. A target concentration cannot be reached where no liquid is strong enough, where the stocks alone take more than the total, or where the liquids hold the components in other proportions; the message says which, and the help the recipe that comes nearest. The wells must be empty, because what stands in them would change the concentrations."}
	OffTarget       = &Code{"OTF611", "off-target", "A formulation is to reach concentrations, and below_minimum says to leave out or to raise what is too little for the pipette. What a well gets then is not what was asked for; the message says by how much. Use a smaller pipette, a weaker stock or a larger total, or write the volumes that you want."}
)

var liquidCodes = []*Code{EmptyWell, OverAspirate, Overflow, NoLiquidHere, TwoLiquids, ListsDoNotPair, OnePlace, MostlyWaste, CannotDilute, CannotFormulate, OffTarget}
