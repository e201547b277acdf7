package eval

import (
	"math"
	"strconv"
)

func buildDeltaE(k *call) (Type, kernel) {
	if !k.count(2, 2) {
		return Type{}, nil
	}
	for i := range k.args {
		if kind := k.args[i].typ.Kind; kind != Color && kind != Text {
			return k.wrong(i, "a color")
		}
		k.args[i] = k.c.coerce(k.args[i], Type{Kind: Color})
	}
	t := Type{Kind: Number}
	return t, func(env *Env, at where, args []Value) Value {
		return env.number(at, deltaE00(labOf(args[0].text), labOf(args[1].text)), t)
	}
}

// lab is a colour in CIE L*a*b*.
type lab struct{ l, a, b float64 }

// labOf converts #rrggbb (sRGB, IEC 61966-2-1) to L*a*b* under D65.
func labOf(rgb string) lab {
	n, _ := strconv.ParseUint(rgb[1:], 16, 32)
	r, g, b := linear(n>>16&255), linear(n>>8&255), linear(n&255)
	x := labRoot((float64(0.4124564*r) + float64(0.3575761*g) + float64(0.1804375*b)) / 0.95047)
	y := labRoot(float64(0.2126729*r) + float64(0.7151522*g) + float64(0.0721750*b))
	z := labRoot((float64(0.0193339*r) + float64(0.1191920*g) + float64(0.9503041*b)) / 1.08883)
	return lab{float64(116*y) - 16, 500 * (x - y), 200 * (y - z)}
}

func linear(channel uint64) float64 {
	c := float64(channel) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func labRoot(t float64) float64 {
	if t > 216.0/24389 {
		return math.Cbrt(t)
	}
	return (float64(24389.0/27*t) + 16) / 116
}

// deltaE00 is the CIEDE2000 difference, after Sharma, Wu and Dalal (Color
// Research and Application 30, 2005), whose names it keeps.
func deltaE00(p, q lab) float64 {
	cMean := (math.Hypot(p.a, p.b) + math.Hypot(q.a, q.b)) / 2
	g := (1 - chromaWeight(cMean)) / 2
	a1, a2 := p.a*(1+g), q.a*(1+g)
	c1, c2 := math.Hypot(a1, p.b), math.Hypot(a2, q.b)
	h1, h2 := hue(a1, p.b), hue(a2, q.b)
	dL, dC := q.l-p.l, c2-c1
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(radians(hueStep(c1, c2, h1, h2))/2)
	lMean, c, h := (p.l+q.l)/2-50, (c1+c2)/2, hueMean(c1, c2, h1, h2)
	t := 1 - float64(0.17*cosDeg(h-30)) + float64(0.24*cosDeg(2*h)) + float64(0.32*cosDeg(float64(3*h)+6)) - float64(0.20*cosDeg(float64(4*h)-63))
	sL := 1 + 0.015*lMean*lMean/math.Sqrt(20+float64(lMean*lMean))
	sC, sH := 1+float64(0.045*c), 1+float64(0.015*c*t)
	turn := math.Exp(-math.Pow((h-275)/25, 2))
	rT := -2 * chromaWeight(c) * math.Sin(radians(60*turn))
	l, cc, hh := dL/sL, dC/sC, dH/sH
	return math.Sqrt(float64(l*l) + float64(cc*cc) + float64(hh*hh) + float64(rT*cc*hh))
}

func chromaWeight(c float64) float64 {
	c7 := math.Pow(c, 7)
	return math.Sqrt(c7 / (c7 + math.Pow(25, 7)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
func cosDeg(degrees float64) float64  { return math.Cos(radians(degrees)) }

func hue(a, b float64) float64 {
	if a == 0 && b == 0 {
		return 0
	}
	h := math.Atan2(b, a) * 180 / math.Pi
	if h < 0 {
		h += 360
	}
	return h
}

// hueStep is the shorter way round from one hue to the other.
func hueStep(c1, c2, h1, h2 float64) float64 {
	d := h2 - h1
	switch {
	case c1*c2 == 0:
		return 0
	case d > 180:
		return d - 360
	case d < -180:
		return d + 360
	}
	return d
}

func hueMean(c1, c2, h1, h2 float64) float64 {
	switch sum := h1 + h2; {
	case c1*c2 == 0:
		return sum
	case math.Abs(h1-h2) <= 180:
		return sum / 2
	case sum < 360:
		return (sum + 360) / 2
	default:
		return (sum - 360) / 2
	}
}
