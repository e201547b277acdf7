package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Which body a step has.

// body resolves what a step does; nil where the decoder or an expression was
// refused.
func (p *preparer) body(s *spec.Step) body {
	switch b := s.Body.(type) {
	case *spec.Transfer:
		return p.transfer(b)
	case *spec.Distribute:
		return p.distribute(b)
	case *spec.Consolidate:
		return p.consolidate(b)
	case *spec.Fill:
		return p.fill(b)
	case *spec.Dilute:
		return p.dilute(b)
	case *spec.Mix:
		return p.mix(b)
	case *spec.Formulate:
		return p.formulate(b, s)
	case *spec.PickUpTip:
		pip := p.pipette(b.Pipette)
		return &pickUp{pip, p.nozzles(b.Nozzles, pip, ""), p.expr(b.From)}
	case *spec.Aspirate:
		return &plunge{single: p.single(program.Aspirate, b.Pipette, b.From, b.At, bottom1mm, b.Rate, b.Speed), volume: p.expr(b.Volume), about: program.AboutFrom}
	case *spec.Dispense:
		return &plunge{single: p.single(program.Dispense, b.Pipette, b.To, b.At, bottom1mm, b.Rate, b.Speed), volume: p.expr(b.Volume), pushOut: p.expr(b.PushOut), about: program.AboutTo}
	case *spec.AirGap:
		return &plunge{single: p.single(program.AirGap, b.Pipette, b.In, b.At, top5mm, b.Rate, spec.Expr{}), volume: p.expr(b.Volume), about: program.AboutFrom}
	case *spec.TouchSides:
		t := b.TouchTip
		t.Set = true
		return &touchNow{p.pipette(b.Pipette), p.expr(b.In), p.touch(&t)}
	case *spec.BlowOutNow:
		return &blowOutNow{single: p.single(program.BlowOut, b.Pipette, b.In, b.At, top0, b.Rate, b.Speed), trash: b.Word == "trash"}
	case *spec.DropTip:
		return &dropTip{p.pipette(b.Pipette), p.expr(b.In), p.expr(b.Home)}
	case *spec.ReturnTip:
		return &returnTip{p.pipette(b.Pipette), p.height(&b.At), p.expr(b.Home)}
	case *spec.MoveTo:
		return &moveTo{p.single(program.MoveTo, b.Pipette, b.To, b.At, top0, spec.Expr{}, b.Speed), p.expr(b.Over), p.expr(b.Direct)}
	case *spec.Temperature:
		return p.temperature(b, s.KeyAt)
	case *spec.HeaterShaker:
		return p.heaterShaker(b, s.KeyAt)
	case *spec.Magnet:
		return p.magnet(b, s.KeyAt)
	case *spec.Thermocycler:
		return p.thermocycler(b, s.KeyAt)
	case *spec.MoveLabware:
		return p.moveLabware(b)
	case *spec.Lights:
		return lights{b.On}
	case *spec.Home:
		return home{}
	case *spec.Delay:
		d := &delay{p.expr(b.For)}
		if v, ok := fixed(d.time); ok && v.Float() == 0 {
			p.add(diag.Diagnostic{Code: diag.NoEffect, Severity: diag.Warning, Span: d.time.Source().Whole(), Message: "waits for no time at all", Help: "remove it, or write how long to wait, such as 5 s"})
		}
		return d
	case *spec.Pause:
		return &message{program.Pause, p.text(b.Message)}
	case *spec.Comment:
		return &message{program.Comment, p.text(b.Message)}
	case *spec.Assert:
		return p.assertion(b)
	case *spec.Protocol:
		return p.protocol(b)
	case *spec.Fail:
		return &failure{p.text(b.Message)}
	case *spec.Call:
		if s.Broken {
			return nil
		}
		return p.call(b, s.KeyAt)
	case *spec.Ask:
		return p.ask(b)
	case *spec.Measure:
		return p.measure(b)
	case *spec.Request:
		return p.request(b)
	case *spec.Publish:
		return p.publish(b)
	case *spec.Notify:
		return p.notify(b)
	case *spec.Do:
		return &do{p.steps(b.Steps)}
	case *spec.Set:
		return p.set(b)
	}
	return nil
}
