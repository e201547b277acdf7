package diag

// Codes OTF4xx, deck, labware and pipettes.
var (
	UnknownLabware = &Code{ID: "OTF401", Name: "unknown-labware", Explain: `A labware is named by its load name in the standard catalogue, such as corning_96_wellplate_360ul_flat, or by the file of a definition of your own, which starts with ./ or ends in .json. This name is in neither. ot2flow labware list shows the catalogue.`}

	SlotTaken = &Code{ID: "OTF402", Name: "slot-taken", Explain: `Two labware stand in one slot of the deck. Slots are numbered 1 to 11 from the front left; 12 is the trash. Move one of them.`}

	UnknownPipette = &Code{ID: "OTF403", Name: "unknown-pipette", Explain: `A pipette is named by its load name, such as p300_single_gen2. The generation matters: gen2 pipettes have other limits and flow rates than those without it.`}

	MountTaken = &Code{ID: "OTF404", Name: "mount-taken", Explain: `An OT-2 carries one pipette on the left and one on the right mount. Two are declared on the same one.`}

	NotATipRack = &Code{ID: "OTF405", Name: "not-a-tip-rack", Explain: `A tip is to be taken from labware that holds no tips. Name a tip rack, or a place in one, such as tips.A1.`}

	TipsDoNotFit = &Code{ID: "OTF406", Name: "tips-do-not-fit", Explain: `The tips of this rack are made for another pipette: they would fall off, or not be reached. The racks that fit are listed. Definitions of your own are taken on trust.`}

	NoPipette = &Code{ID: "OTF407", Name: "no-pipette", Explain: `A step moves liquid or tips and the workflow declares no pipette. Declare what is on the robot's mounts under pipettes.`}

	WhichPipette = &Code{ID: "OTF408", Name: "which-pipette", Explain: `Two pipettes are mounted and a single operation does not say which one it means. Liquid steps choose by volume; single operations use the one that has a tip on, or the one named with pipette.`}

	WhichWell = &Code{ID: "OTF409", Name: "which-well", Explain: `A single operation without a well acts where the tip is. Here the tip is at no well: it was at none yet, or was at the trash since. So name one.`}

	// OTF450 to OTF479 are of labware definitions: users' own JSON files.

	LabwareNotJSON = &Code{ID: "OTF450", Name: "labware-not-json", Explain: `A labware definition is a file in JSON, the format that Opentrons' Labware Creator saves. This file cannot be read as JSON.
The place shown is where reading stopped; the mistake is there or just before. JSON knows no comments, wants double quotes around every name and text, a comma between two values and none after the last one. If the file came from somewhere else, save it again from there: it may have been cut short.`}

	LabwareSchema = &Code{ID: "OTF451", Name: "labware-schema", Explain: `Opentrons has changed the layout of labware definitions over the years. ot2flow reads schema 2, the layout that the Labware Creator saves and that every OT-2 in use reads. Schema 1 is older and robots no longer take it; schema 3 is newer, and robot software 8.2 and older refuses it.
Save the labware again from the Labware Creator, which gives schema 2. Changing the number alone does not convert a file.`}

	LabwareMissing = &Code{ID: "OTF452", Name: "labware-missing-field", Explain: `The definition lacks a field that every labware definition must have. The robot refuses a definition without it.
Add the field. If it is there under a slightly different name, correct the name: upper and lower case matter.`}

	LabwareType = &Code{ID: "OTF453", Name: "labware-wrong-type", Explain: `A field of the definition holds another kind of value than it should, for example text in quotes where a number is wanted.
Numbers are written without quotes and units (lengths are millimetres, volumes microlitres), true and false without quotes, texts with double quotes, lists in [ ], and groups of fields in { }.`}

	LabwareValue = &Code{ID: "OTF454", Name: "labware-bad-value", Explain: `A field of the definition takes one of a few words only, and holds none of them.
The message lists the words. They are written exactly so, with upper and lower case.`}

	LabwareDuplicate = &Code{ID: "OTF455", Name: "labware-duplicate-key", Explain: `The same name stands twice in one group of the definition. Programs differ in which of the two they take, so the robot could work with another geometry than the one that was checked.
Remove one of the two. Two wells of the same name usually mean that one was copied and not renamed.`}

	LabwareWells = &Code{ID: "OTF456", Name: "labware-wells-differ", Explain: `A definition names its wells twice: "wells" says where each one is, and "ordering" lists their names column by column. Each well must be in both, and in the ordering once; "groups" may only name wells that exist.
Wells that are missing in the ordering cannot be reached by rows, columns and ranges; names without a well have no place. Correct the name, or add what is missing.`}

	LabwareGeometry = &Code{ID: "OTF457", Name: "labware-geometry", Explain: `A length or volume of the definition cannot be right: it is negative, zero where something must have a size, beyond a metre, or no number at all. The robot would move to where this definition says.
Lengths are millimetres. x and y are the middle of the well, from the front left corner of the labware; z is the inside of its bottom, from the underside of the labware.`}

	LabwareOutside = &Code{ID: "OTF458", Name: "labware-well-outside", Explain: `A well lies outside of the labware's own outer size, or its rim is higher than the labware. Most often x and y were swapped, the outer size is that of another labware, or z was measured to the rim instead of the bottom.
This is a warning only, because the robot uses the wells' places and not the outer size when it pipettes. It does use the height to move over the labware: a rim above it can be hit. Measure again, then correct the well or the size.`}

	LabwareTip = &Code{ID: "OTF459", Name: "labware-tip-length", Explain: `A tip rack must say how long its tips are, in the field "tipLength" of "parameters": from the top of the rim to the point, in millimetres. From then on, the robot's idea of where the point is depends on it; a wrong length crashes the tip or leaves it in the air.
Measure with calipers, or take the length from the maker's drawing. "tipOverlap" says how far the tip goes onto the pipette, and is less than the length.`}

	LabwareName = &Code{ID: "OTF460", Name: "labware-name", Explain: `The load name and the namespace of a labware are used in addresses and file names, so they are made of small letters, digits, dots and underscores only. A well's name is its row in capital letters and its column in digits, such as A1 or AB24.
The display name is free: blanks, capitals and units belong there.`}

	LabwareTooLarge = &Code{ID: "OTF461", Name: "labware-too-large", Explain: `The file is far larger, or its brackets stand far deeper inside each other, than any labware definition, so it was not read. The largest plates take a few hundred kilobytes.
Most often the wrong file was named.`}

	LabwareStandard = &Code{ID: "OTF462", Name: "labware-standard-name", Explain: `The definition has the namespace, load name and version of a labware of Opentrons' standard catalogue. Whoever reads this name, the robot's app and its calibration data included, takes it for the standard one.
If the labware is the standard one, use its load name without a file. If it differs, give it a namespace of its own, such as "custom_beta".`}
)

var deckCodes = []*Code{
	UnknownLabware, SlotTaken, UnknownPipette, MountTaken, NotATipRack, TipsDoNotFit, NoPipette, WhichPipette, WhichWell,
	LabwareNotJSON, LabwareSchema, LabwareMissing, LabwareType, LabwareValue, LabwareDuplicate, LabwareWells,
	LabwareGeometry, LabwareOutside, LabwareTip, LabwareName, LabwareTooLarge, LabwareStandard,
}
