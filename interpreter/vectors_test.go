package interpreter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
)

// calls are calls of the Python API's transfer(), distribute() and consolidate()
// with what the vendor's planner does (executed, and re-run on the real engine
// 8.2.0 and 8.8.2), in short: A draws, D gives, MIX n x v. Where what we do is
// meant to differ, why says so.
var calls = []struct{ name, pipette, rack, step, want, why string }{
	{"T-split-100", "", "", `transfer: {from: S.A1, to: D.A1, volume: 100}`, "PICK; A100 S.A1; D100 D.A1; DROP", ""},
	{"T-split-300", "", "", `transfer: {from: S.A1, to: D.A1, volume: 300}`, "PICK; A300 S.A1; D300 D.A1; DROP", ""},
	{"T-split-310", "", "", `transfer: {from: S.A1, to: D.A1, volume: 310}`, "PICK; A155 S.A1; D155 D.A1; A155 S.A1; D155 D.A1; DROP", ""},
	{"T-split-350", "", "", `transfer: {from: S.A1, to: D.A1, volume: 350}`, "PICK; A175 S.A1; D175 D.A1; A175 S.A1; D175 D.A1; DROP", ""},
	{"T-split-600", "", "", `transfer: {from: S.A1, to: D.A1, volume: 600}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; DROP", ""},
	{"T-split-601", "", "", `transfer: {from: S.A1, to: D.A1, volume: 601, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A150.5 S.A1; D150.5 D.A1; A150.5 S.A1; D150.5 D.A1; DROP", ""},
	{"T-split-700", "", "", `transfer: {from: S.A1, to: D.A1, volume: 700, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A200 S.A1; D200 D.A1; A200 S.A1; D200 D.A1; DROP", ""},
	{"T-split-900", "", "", `transfer: {from: S.A1, to: D.A1, volume: 900}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; DROP", ""},
	{"T-split-1000", "", "", `transfer: {from: S.A1, to: D.A1, volume: 1000, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A200 S.A1; D200 D.A1; A200 S.A1; D200 D.A1; DROP", ""},
	{"T-split-p50-75", "p50_single", "", `transfer: {from: S.A1, to: D.A1, volume: 75}`, "PICK; A37.5 S.A1; D37.5 D.A1; A37.5 S.A1; D37.5 D.A1; DROP", ""},
	{"T-split-p20-45", "p20_single_gen2", "opentrons_96_tiprack_20ul", `transfer: {from: S.A1, to: D.A1, volume: 45, split: even_last_two}`, "PICK; A20 S.A1; D20 D.A1; A12.5 S.A1; D12.5 D.A1; A12.5 S.A1; D12.5 D.A1; DROP", ""},
	{"T-air20-290", "", "", `transfer: {from: S.A1, to: D.A1, volume: 290, aspirate: {air_gap: 20}}`, "PICK; A145 S.A1; AIR20; D165 D.A1; A145 S.A1; AIR20; D165 D.A1; DROP", ""},
	{"T-air20-300", "", "", `transfer: {from: S.A1, to: D.A1, volume: 300, aspirate: {air_gap: 20}}`, "PICK; A150 S.A1; AIR20; D170 D.A1; A150 S.A1; AIR20; D170 D.A1; DROP", ""},
	{"T-air20-560", "", "", `transfer: {from: S.A1, to: D.A1, volume: 560, aspirate: {air_gap: 20}}`, "PICK; A280 S.A1; AIR20; D300 D.A1; A280 S.A1; AIR20; D300 D.A1; DROP", ""},
	{"T-air20-561", "", "", `transfer: {from: S.A1, to: D.A1, volume: 561, aspirate: {air_gap: 20}, split: even_last_two}`, "PICK; A280 S.A1; AIR20; D300 D.A1; A140.5 S.A1; AIR20; D160.5 D.A1; A140.5 S.A1; AIR20; D160.5 D.A1; DROP", ""},
	{"T-always-split", "", "", `transfer: {from: S.A1, to: D.A1, volume: 350, tip: new}`, "PICK; A175 S.A1; D175 D.A1; DROP; PICK; A175 S.A1; D175 D.A1; DROP", ""},
	{"T-never", "", "", `transfer: {from: S.A1, to: D.A1, volume: 100, tip: current}`, "A100 S.A1; D100 D.A1", ""},
	{"T-return", "", "", `transfer: {from: S.A1, to: D.A1, volume: 100, tip: {use: once, then: return}}`, "PICK; A100 S.A1; D100 D.A1; RETURN", ""},
	{"T-zero-in-list", "", "", `transfer: {from: S.A1, to: "D.B1:B3", volume: [20, 0, 60], tip: new}`, "PICK; A20 S.A1; D20 D.B1; DROP; PICK; A60 S.A1; D60 D.B3; DROP", "the vendor takes and drops a tip for nothing"},
	{"T-zero", "", "", `transfer: {from: S.A1, to: D.A1, volume: 0}`, " (warning no-effect)", "the vendor takes and drops a tip for nothing"},
	{"T-negative", "", "", `transfer: {from: S.A1, to: D.A1, volume: -5}`, "error bad-volume", "the vendor takes a negative volume for 0"},
	{"T-below-min", "", "", `transfer: {from: S.A1, to: D.A1, volume: 5}`, "error below-minimum", "the vendor does not check"},
	{"T-carryover-false", "", "", `transfer: {from: S.A1, to: D.A1, volume: 350, split: never}`, "error too-much-for-tip", "the vendor's carryover=False has no effect"},
	{"T-all-options", "", "", `transfer: {from: S.A1, to: [D.A1, D.A2], volume: 100, aspirate: {air_gap: 10, mix: 2 x 50 uL, touch_tip: true}, dispense: {mix: 3 x 40 uL, touch_tip: true}, blow_out: destination}`, "PICK; MIX2x50 S.A1; A100 S.A1; AIR10; TOUCH S.A1; D110 D.A1; MIX3x40 D.A1; TOUCH D.A1; BLOW D.A1; MIX2x50 S.A1; A100 S.A1; AIR10; TOUCH S.A1; D110 D.A2; MIX3x40 D.A2; TOUCH D.A2; BLOW D.A2; DROP", ""},
	{"T-split-mix-blow", "", "", `transfer: {from: S.A1, to: D.A1, volume: 400, aspirate: {mix: 1 x 50 uL}, dispense: {mix: 1 x 50 uL}, blow_out: trash}`, "PICK; MIX1x50 S.A1; A200 S.A1; D200 D.A1; BLOW TRASH; MIX1x50 S.A1; A200 S.A1; D200 D.A1; MIX1x50 D.A1; BLOW TRASH; DROP", "the vendor mixes after every aliquot; once per destination is enough"},
	{"T-disposal-100", "", "", `transfer: {from: S.A1, to: D.A1, volume: 100, disposal: 20}`, "error unknown-key", "the vendor draws no disposal here, blows out nothing, and says nothing"},
	{"T-disposal-290", "", "", `transfer: {from: S.A1, to: D.A1, volume: 290, disposal: 20}`, "error unknown-key", "the vendor draws no disposal here and divides for it all the same"},
	{"T-fan-1-3", "", "", `transfer: {from: S.A1, to: "D.A1:A3", volume: 50}`, "PICK; A50 S.A1; D50 D.A1; A50 S.A1; D50 D.A2; A50 S.A1; D50 D.A3; DROP", ""},
	{"T-fan-1-3-always", "", "", `transfer: {from: S.A1, to: "D.A1:A3", volume: 50, tip: new}`, "PICK; A50 S.A1; D50 D.A1; DROP; PICK; A50 S.A1; D50 D.A2; DROP; PICK; A50 S.A1; D50 D.A3; DROP", ""},
	{"T-zip-3", "", "", `transfer: {from: "S.A1:A3", to: "D.B1:B3", volume: [30, 40, 50]}`, "PICK; A30 S.A1; D30 D.B1; A40 S.A2; D40 D.B2; A50 S.A3; D50 D.B3; DROP", ""},
	{"T-stretch-3-12", "", "", `transfer: {from: "S.A1:A3", to: "D.B1:B12", volume: 50}`, "PICK; A50 S.A1; D50 D.B1; A50 S.A1; D50 D.B2; A50 S.A1; D50 D.B3; A50 S.A1; D50 D.B4; A50 S.A2; D50 D.B5; A50 S.A2; D50 D.B6; A50 S.A2; D50 D.B7; A50 S.A2; D50 D.B8; A50 S.A3; D50 D.B9; A50 S.A3; D50 D.B10; A50 S.A3; D50 D.B11; A50 S.A3; D50 D.B12; DROP", ""},
	{"T-bad-3-8", "", "", `transfer: {from: "S.A1:A3", to: "D.A4:H4", volume: 50}`, "error lists-do-not-pair", ""},
	{"T-bad-volumes", "", "", `transfer: {from: S.A1, to: "D.B1:B3", volume: [1, 2]}`, "error lists-do-not-pair", ""},
	{"T-200tip-250", "", "opentrons_96_filtertiprack_200ul", `transfer: {from: S.A1, to: D.A1, volume: 250}`, "PICK; A125 S.A1; D125 D.A1; A125 S.A1; D125 D.A1; DROP", "the vendor divides by the pipette and then by the tip"},
	{"T-200tip-401", "", "opentrons_96_filtertiprack_200ul", `transfer: {from: S.A1, to: D.A1, volume: 401}`, "PICK; A133.667 S.A1; D133.667 D.A1; A133.667 S.A1; D133.667 D.A1; A133.666 S.A1; D133.666 D.A1; DROP", "the vendor makes aliquots of 0.5 uL here"},
	{"T-200tip-450", "", "opentrons_96_filtertiprack_200ul", `transfer: {from: S.A1, to: D.A1, volume: 450}`, "PICK; A150 S.A1; D150 D.A1; A150 S.A1; D150 D.A1; A150 S.A1; D150 D.A1; DROP", "the vendor gives 200, 25, 200, 25"},
	{"T-200tip-250-always", "", "opentrons_96_filtertiprack_200ul", `transfer: {from: S.A1, to: D.A1, volume: 250, tip: new}`, "PICK; A125 S.A1; D125 D.A1; DROP; PICK; A125 S.A1; D125 D.A1; DROP", "the vendor keeps the tip for the inner division"},
	{"T-200tip-756-always", "", "opentrons_96_filtertiprack_200ul", `transfer: {from: S.A1, to: D.A1, volume: 756, aspirate: {touch_tip: true}, dispense: {touch_tip: true}, tip: new}`, "PICK; A189 S.A1; TOUCH S.A1; D189 D.A1; TOUCH D.A1; DROP; PICK; A189 S.A1; TOUCH S.A1; D189 D.A1; TOUCH D.A1; DROP; PICK; A189 S.A1; TOUCH S.A1; D189 D.A1; TOUCH D.A1; DROP; PICK; A189 S.A1; TOUCH S.A1; D189 D.A1; TOUCH D.A1; DROP", "the vendor keeps the tip for the inner division"},
	{"D-50x8-nodisp", "", "", `distribute: {from: S.A1, to: "D.A1:H1", volume: 50, disposal: 0}`, "PICK; A300 S.A1; D50 D.A1; D50 D.B1; D50 D.C1; D50 D.D1; D50 D.E1; D50 D.F1; A100 S.A1; D50 D.G1; D50 D.H1; DROP", ""},
	{"D-50x8-default", "", "", `distribute: {from: S.A1, to: "D.A1:H1", volume: 50}`, "PICK; A270 S.A1; D50 D.A1; D50 D.B1; D50 D.C1; D50 D.D1; D50 D.E1; BLOW TRASH; A170 S.A1; D50 D.F1; D50 D.G1; D50 D.H1; BLOW TRASH; DROP", ""},
	{"D-uneven", "", "", `distribute: {from: S.A1, to: "D.A1:A4", volume: [100, 50, 150, 30], disposal: 0}`, "PICK; A300 S.A1; D100 D.A1; D50 D.A2; D150 D.A3; A30 S.A1; D30 D.A4; DROP", ""},
	{"D-60x5-disp0-exact", "", "", `distribute: {from: S.A1, to: "D.A1:A5", volume: 60, disposal: 0}`, "PICK; A300 S.A1; D60 D.A1; D60 D.A2; D60 D.A3; D60 D.A4; D60 D.A5; DROP", ""},
	{"D-140x2-exact", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 140, disposal: 20}`, "PICK; A300 S.A1; D140 D.A1; D140 D.A2; BLOW TRASH; DROP", ""},
	{"D-air10-blow-src", "", "", `distribute: {from: S.A1, to: "D.B2:B6", volume: 60, aspirate: {air_gap: 10}, blow_out: source, disposal: 0}`, "PICK; A240 S.A1; AIR10; D70 D.B2; AIR10; D70 D.B3; AIR10; D70 D.B4; AIR10; D70 D.B5; BLOW S.A1; A60 S.A1; AIR10; D70 D.B6; BLOW S.A1; DROP", ""},
	{"D-air10-disp20-touch", "", "", `distribute: {from: S.A1, to: "D.A1:A4", volume: 60, aspirate: {air_gap: 10, touch_tip: true}, dispense: {touch_tip: true}, disposal: 20}`, "PICK; A260 S.A1; AIR10; TOUCH S.A1; D70 D.A1; AIR10; TOUCH D.A1; D70 D.A2; AIR10; TOUCH D.A2; D70 D.A3; AIR10; TOUCH D.A3; D70 D.A4; TOUCH D.A4; BLOW TRASH; DROP", ""},
	{"D-120x8-p1000", "p1000_single_gen2", "opentrons_96_tiprack_1000ul", `distribute: {from: S.A1, to: "D.A1:H1", volume: 120, disposal: 50}`, "PICK; A890 S.A1; D120 D.A1; D120 D.B1; D120 D.C1; D120 D.D1; D120 D.E1; D120 D.F1; D120 D.G1; BLOW TRASH; A170 S.A1; D120 D.H1; BLOW TRASH; DROP", ""},
	{"D-80x12-p1000", "p1000_single_gen2", "opentrons_96_tiprack_1000ul", `distribute: {from: S.A1, to: "D.A1:A12", volume: 80}`, "PICK; A980 S.A1; D80 D.A1; D80 D.A2; D80 D.A3; D80 D.A4; D80 D.A5; D80 D.A6; D80 D.A7; D80 D.A8; D80 D.A9; D80 D.A10; D80 D.A11; BLOW TRASH; A180 S.A1; D80 D.A12; BLOW TRASH; DROP (warning below-minimum)", "the same steps; what a P1000 gives here is less than it can accurately"},
	{"D-350x2", "", "", `distribute: {from: S.A1, to: [D.A2, D.A3], volume: 350}`, "PICK; A195 S.A1; D175 D.A2; BLOW TRASH; A195 S.A1; D175 D.A2; BLOW TRASH; A195 S.A1; D175 D.A3; BLOW TRASH; A195 S.A1; D175 D.A3; BLOW TRASH; DROP", ""},
	{"D-700x2-nodisp", "", "", `distribute: {from: S.A1, to: [D.A2, D.A3], volume: 700, disposal: 0, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A2; A200 S.A1; D200 D.A2; A200 S.A1; D200 D.A2; A300 S.A1; D300 D.A3; A200 S.A1; D200 D.A3; A200 S.A1; D200 D.A3; DROP", ""},
	{"D-mixbefore-touch", "", "", `distribute: {from: S.A1, to: "D.A1:A3", volume: 100, aspirate: {mix: 2 x 50 uL, touch_tip: true}, dispense: {touch_tip: true}}`, "PICK; MIX2x50 S.A1; A220 S.A1; TOUCH S.A1; D100 D.A1; TOUCH D.A1; D100 D.A2; TOUCH D.A2; BLOW TRASH; MIX2x50 S.A1; A120 S.A1; TOUCH S.A1; D100 D.A3; TOUCH D.A3; BLOW TRASH; DROP", ""},
	{"D-always", "", "", `distribute: {from: S.A1, to: [D.B1, D.B2], volume: 200, tip: new}`, "PICK; A220 S.A1; D200 D.B1; BLOW TRASH; DROP; PICK; A220 S.A1; D200 D.B2; BLOW TRASH; DROP", "the vendor keeps one tip, whatever is asked"},
	{"D-multi-source", "", "", `distribute: {from: [S.A1, S.A2], to: [D.A1, D.A2], volume: 100}`, "error one-place", "the vendor drops all sources but the first"},
	{"D-200tip-250x2", "", "opentrons_96_filtertiprack_200ul", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 250, disposal: 0}`, "PICK; A125 S.A1; D125 D.A1; A125 S.A1; D125 D.A1; A125 S.A1; D125 D.A2; A125 S.A1; D125 D.A2; DROP", "the vendor moves nothing at all"},
	{"D-200tip-stop-midway", "", "opentrons_96_filtertiprack_200ul", `distribute: {from: S.A1, to: "D.A1:A3", volume: [50, 250, 50], disposal: 0}`, "PICK; A175 S.A1; D50 D.A1; D125 D.A2; A175 S.A1; D125 D.A2; D50 D.A3; DROP", "the vendor stops after the first well, without a word"},
	{"D-35x9-200tip", "", "opentrons_96_filtertiprack_200ul", `distribute: {from: S.A1, to: "D.A1:A9", volume: 35}`, "PICK; A195 S.A1; D35 D.A1; D35 D.A2; D35 D.A3; D35 D.A4; D35 D.A5; BLOW TRASH; A160 S.A1; D35 D.A6; D35 D.A7; D35 D.A8; D35 D.A9; BLOW TRASH; DROP", ""},
	{"D-disposal-280", "", "", `distribute: {from: S.A1, to: [D.A1], volume: 100, disposal: 280}`, "PICK; A300 S.A1; D20 D.A1; BLOW TRASH; A300 S.A1; D20 D.A1; BLOW TRASH; A300 S.A1; D20 D.A1; BLOW TRASH; A300 S.A1; D20 D.A1; BLOW TRASH; A300 S.A1; D20 D.A1; BLOW TRASH; DROP (warning mostly-waste)", "the same steps; most of it is thrown away"},
	{"D-air+disposal=max", "", "", `distribute: {from: S.A1, to: [D.A1], volume: 100, aspirate: {air_gap: 20}, disposal: 280}`, "error too-much-for-tip", ""},
	{"D-zero-in-list", "", "", `distribute: {from: S.A1, to: "D.A1:A3", volume: [50, 0, 50], disposal: 0}`, "PICK; A100 S.A1; D50 D.A1; D50 D.A3; DROP", ""},
	{"C-50x8", "", "", `consolidate: {from: "S.A1:H1", to: D.A1, volume: 50}`, "PICK; A50 S.A1; A50 S.B1; A50 S.C1; A50 S.D1; A50 S.E1; A50 S.F1; D300 D.A1; A50 S.G1; A50 S.H1; D100 D.A1; DROP", ""},
	{"C-zeros", "", "", `consolidate: {from: "S.A1:H1", to: D.A1, volume: [100, 200, 300, 200, 0, 0, 100, 200]}`, "PICK; A100 S.A1; A200 S.B1; D300 D.A1; A300 S.C1; D300 D.A1; A200 S.D1; A100 S.G1; D300 D.A1; A200 S.H1; D200 D.A1; DROP", ""},
	{"C-greedy", "", "", `consolidate: {from: "S.A1:A3", to: D.A1, volume: [200, 200, 100]}`, "PICK; A200 S.A1; D200 D.A1; A200 S.A2; A100 S.A3; D300 D.A1; DROP", ""},
	{"C-50x3-air20", "", "", `consolidate: {from: "S.A1:A3", to: D.B1, volume: 50, aspirate: {air_gap: 20}}`, "PICK; A50 S.A1; AIR20; A50 S.A2; AIR20; A50 S.A3; AIR20; D210 D.B1; DROP", ""},
	{"C-295-air10", "", "", `consolidate: {from: [S.A1, S.A2], to: D.B1, volume: 295, aspirate: {air_gap: 10}}`, "PICK; A147.5 S.A1; AIR10; D157.5 D.B1; A147.5 S.A1; AIR10; D157.5 D.B1; A147.5 S.A2; AIR10; D157.5 D.B1; A147.5 S.A2; AIR10; D157.5 D.B1; DROP", "the vendor forgets the last air gap, and the robot stops midway"},
	{"C-700", "", "", `consolidate: {from: [S.A2], to: D.A1, volume: 700, split: even_last_two}`, "PICK; A300 S.A2; D300 D.A1; A200 S.A2; D200 D.A1; A200 S.A2; D200 D.A1; DROP", ""},
	{"C-mix-touch-blow", "", "", `consolidate: {from: "S.A1:H1", to: D.A1, volume: 60, aspirate: {touch_tip: true}, dispense: {mix: {times: 2, volume: 50 uL, each_chunk: true}, touch_tip: true}, blow_out: destination}`, "PICK; A60 S.A1; TOUCH S.A1; A60 S.B1; TOUCH S.B1; A60 S.C1; TOUCH S.C1; A60 S.D1; TOUCH S.D1; A60 S.E1; TOUCH S.E1; D300 D.A1; MIX2x50 D.A1; TOUCH D.A1; BLOW D.A1; A60 S.F1; TOUCH S.F1; A60 S.G1; TOUCH S.G1; A60 S.H1; TOUCH S.H1; D180 D.A1; MIX2x50 D.A1; TOUCH D.A1; BLOW D.A1; DROP", ""},
	{"C-mixbefore-ignored", "", "", `consolidate: {from: [S.A1, S.A2], to: D.A1, volume: 60, aspirate: {mix: 2 x 50 uL}}`, "error mix-while-holding", "the vendor leaves the mix out"},
	{"C-multi-dest", "", "", `consolidate: {from: [S.A1, S.A2], to: [D.A1, D.A2], volume: 50}`, "error one-place", "the vendor drops all destinations but the first"},
	{"C-200tip-250x2", "", "opentrons_96_filtertiprack_200ul", `consolidate: {from: [S.A1, S.A2], to: D.A1, volume: 250}`, "PICK; A125 S.A1; D125 D.A1; A125 S.A1; D125 D.A1; A125 S.A2; D125 D.A1; A125 S.A2; D125 D.A1; DROP", "the vendor moves nothing at all"},
	{"C-always", "", "", `consolidate: {from: "S.A1:A3", to: D.A1, volume: 200, tip: new}`, "PICK; A200 S.A1; D200 D.A1; DROP; PICK; A200 S.A2; D200 D.A1; DROP; PICK; A200 S.A3; D200 D.A1; DROP", "the vendor keeps one tip, whatever is asked"},
	{"M8-columns", "p300_multi_gen2", "", `transfer: {from: "S.A1:H1", to: "D.A2:H2", volume: 50}`, "PICK; A50 S.A1; D50 D.A2; DROP", ""},
	{"M8-row-A", "p300_multi_gen2", "", `transfer: {from: S.A1, to: "D.A1:A3", volume: 50}`, "PICK; A50 S.A1; D50 D.A1; A50 S.A1; D50 D.A2; A50 S.A1; D50 D.A3; DROP", ""},
	{"M8-24-wells", "p300_multi_gen2", "", `transfer: {from: S.A1, to: "D.A1:H3", volume: 50}`, "PICK; A50 S.A1; D50 D.A1; A50 S.A1; D50 D.A2; A50 S.A1; D50 D.A3; DROP", ""},
	{"M8-row-B", "p300_multi_gen2", "", `transfer: {from: S.B1, to: D.B1, volume: 50}`, "error not-a-column", ""},
	{"M8-mixed", "p300_multi_gen2", "", `transfer: {from: S.A1, to: [D.A1, D.B2, D.A3], volume: 50}`, "error not-a-column", "the vendor drops the wells that are not in row A"},

	// What the vendor's planner cannot be asked for.
	{"full tips and the rest", "", "", `transfer: {from: S.A1, to: D.A1, volume: 350, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A50 S.A1; D50 D.A1; DROP", ""},
	{"full tips, the rest too small", "", "", `transfer: {from: S.A1, to: D.A1, volume: 610, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A155 S.A1; D155 D.A1; A155 S.A1; D155 D.A1; DROP", ""},
	{"full tips, the rest just enough", "", "", `transfer: {from: S.A1, to: D.A1, volume: 620, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A20 S.A1; D20 D.A1; DROP", ""},
	{"700, evenly", "", "", `transfer: {from: S.A1, to: D.A1, volume: 699}`, "PICK; A233 S.A1; D233 D.A1; A233 S.A1; D233 D.A1; A233 S.A1; D233 D.A1; DROP", ""},
	{
		"distributed, the rest of one beside the next", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: [350, 200], disposal: 0, split: full_then_rest}`,
		"PICK; A300 S.A1; D300 D.A1; A250 S.A1; D50 D.A1; D200 D.A2; DROP", "",
	},
	{
		"disposal back to the source", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 50, disposal: {volume: 30 uL, in: source}}`,
		"PICK; A130 S.A1; D50 D.A1; D50 D.A2; BLOW S.A1; DROP", "",
	},
	{
		"disposal where blow_out says", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 50, blow_out: {in: S.H12, at: top - 5 mm}}`,
		"PICK; A120 S.A1; D50 D.A1; D50 D.A2; BLOW S.H12; DROP", "",
	},
	{
		"packed", "", "", `distribute: {from: S.A1, to: "D.A1:A6", volume: [200, 150, 100, 150, 60, 240], disposal: 0, pack: best}`,
		"PICK; A300 S.A1; D200 D.A1; D100 D.A3; A300 S.A1; D150 D.A2; D150 D.A4; A300 S.A1; D60 D.A5; D240 D.A6; DROP", "",
	},
	{
		"consolidated, packed with air gaps", "", "", `consolidate: {from: "S.A1:A4", to: D.A1, volume: [190, 100, 90, 180], aspirate: {air_gap: 10}, pack: best}`,
		"PICK; A190 S.A1; AIR10; A90 S.A3; AIR10; D300 D.A1; A100 S.A2; AIR10; A180 S.A4; AIR10; D300 D.A1; DROP", "",
	},
	{"never divided, shared", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 290, split: never}`, "error too-much-for-tip", ""},
	{"a mix after that cannot be", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 50, disposal: 0, dispense: {mix: 2 x 50 uL}}`, "error mix-while-holding", ""},
	{
		"a mix after that can be", "", "", `distribute: {from: S.A1, to: [D.A1, D.A2], volume: 200, disposal: 0, dispense: {mix: 2 x 50 uL}}`,
		"PICK; A200 S.A1; D200 D.A1; MIX2x50 D.A1; A200 S.A1; D200 D.A2; MIX2x50 D.A2; DROP", "",
	},
	{
		"a mix before that can be", "", "", `consolidate: {from: [S.A1, S.A2], to: D.A1, volume: 200, aspirate: {mix: 2 x 50 uL}}`,
		"PICK; MIX2x50 S.A1; A200 S.A1; D200 D.A1; MIX2x50 S.A2; A200 S.A2; D200 D.A1; DROP", "",
	},
	{"a place below the minimum", "", "", `distribute: {from: S.A1, to: "D.A1:A3", volume: [50, 5, 50]}`, "PICK; A125 S.A1; D50 D.A1; D5 D.A2; D50 D.A3; BLOW TRASH; DROP (warning below-minimum)", ""},
	{"a source below the minimum", "", "", `consolidate: {from: "S.A1:A3", to: D.A1, volume: [50, 5, 50]}`, "error below-minimum", ""},
}

const transferDeck = `ot2flow: 1
name: transfers
labware:
  S: {type: nest_96_wellplate_2ml_deep, slot: 1}
  D: {type: nest_96_wellplate_2ml_deep, slot: 2}
  tips: {type: %s, slot: 3}
pipettes:
  p: {type: %s, mount: right, tips: [tips]}
liquids:
  sample: {in: S, volume: 2 mL}
steps:
%s  - %s
%s`

// A call that uses the tip that is on stands between a pick-up and a drop.
const pickBefore, dropAfter = "  - pick_up_tip:\n", "  - drop_tip:\n"

func TestCallsAsTheVendorDoes(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			rack, pipette, before, after := c.rack, c.pipette, "", ""
			if rack == "" {
				rack = "opentrons_96_tiprack_300ul"
			}
			if pipette == "" {
				pipette = "p300_single_gen2"
			}
			want := c.want
			if strings.Contains(c.step, "tip: current") {
				before, after, want = pickBefore, dropAfter, "PICK; "+want+"; DROP"
			}
			plan, list := planText(t, fmt.Sprintf(transferDeck, rack, pipette, before, c.step, after))
			if got := trace(plan, list); got != want {
				t.Errorf("%s\n got %s\nwant %s", c.step, got, want)
			}
		})
	}
}

// planText plans a workflow given as text.
func planText(t *testing.T, text string) (*program.Plan, diag.List) {
	t.Helper()
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(text)}})
	prepared, more := workflows.Prepare(bundle)
	if list = append(list, more...); prepared == nil {
		return nil, list
	}
	plan, found := prepared.Plan(interpreter.Input{})
	return plan, append(list, found...)
}

// trace renders a plan in the short form of the table. An error is all that is
// said of it; a warning stands behind.
func trace(p *program.Plan, list diag.List) string {
	if p == nil || list.HasErrors() {
		return list[0].Severity.String() + " " + list[0].Code.Name
	}
	var out []string
	for i := 0; i < len(p.Steps); i++ {
		if text, n := mixTrace(p, i); n > 0 {
			out, i = append(out, text), i+2*n-1
			continue
		}
		out = append(out, short(p, &p.Steps[i].Op))
	}
	text := strings.Join(out, "; ")
	for _, d := range list {
		text += " (" + d.Severity.String() + " " + d.Code.Name + ")"
	}
	return text
}

func short(p *program.Plan, op *program.Op) string {
	place := p.Deck.WellName(op.Well)
	if op.Trash {
		place = "TRASH"
	}
	v := quantity.Quantity{Dim: quantity.Volume, N: op.Volume}.Decimal()
	switch op.Kind {
	case program.PickUpTip:
		return "PICK"
	case program.Aspirate:
		return "A" + v + " " + place
	case program.Dispense:
		return "D" + v + " " + place
	case program.AirGap:
		return "AIR" + v
	case program.TouchTip:
		return "TOUCH " + place
	case program.BlowOut:
		return "BLOW " + place
	case program.DropTip:
		return "DROP"
	case program.ReturnTip:
		return "RETURN"
	default:
		return op.Kind.String()
	}
}

// mixTrace recognises the pairs of a mix: draw and give in one well, the same
// volume, all but the last without push-out.
func mixTrace(p *program.Plan, i int) (string, int) {
	n := 0
	first := p.Steps[i].Op
	for j := i; j+1 < len(p.Steps); j += 2 {
		a, d := p.Steps[j].Op, p.Steps[j+1].Op
		if a.Kind != program.Aspirate || d.Kind != program.Dispense || a.Well != d.Well || a.Volume != d.Volume || a.Volume != first.Volume {
			break
		}
		n++
		if !d.HasPush {
			break
		}
	}
	if n == 0 {
		return "", 0
	}
	v := quantity.Quantity{Dim: quantity.Volume, N: first.Volume}.Decimal()
	return fmt.Sprintf("MIX%dx%s %s", n, v, p.Deck.WellName(first.Well)), n
}
