// Command photo draws photo.jpg: a lake between mountains at dusk. All of it follows from the numbers here.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
)

const (
	width, height = 800, 600
	shore         = 385.0 // where the water begins, in pixels from the top
	samples       = 3     // in each direction of a pixel
	quality       = 82    // of the JPEG
)

// rgb is a color of linear light, each part from 0 to 1.
type rgb struct{ r, g, b float64 }

func hex(c uint32) rgb {
	part := func(shift uint) float64 { return math.Pow(float64(c>>shift&0xff)/255, 2.2) }
	return rgb{part(16), part(8), part(0)}
}

// mix goes from c to d as t goes from 0 to 1.
func (c rgb) mix(d rgb, t float64) rgb {
	t = min(max(t, 0), 1)
	return rgb{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}

func (c rgb) add(d rgb, t float64) rgb { return rgb{c.r + d.r*t, c.g + d.g*t, c.b + d.b*t} }

var (
	sky   = []rgb{hex(0x0b1238), hex(0x27306e), hex(0x6b3f86), hex(0xc8577e), hex(0xf58f5c), hex(0xffd48a)}
	haze  = hex(0xf2a07a)
	sun   = hex(0xfff3c4)
	glow  = hex(0xff9a4a)
	night = hex(0x10183e)
	black = hex(0x070a18)
)

const sunX, sunY, sunRadius = 520.0, 266.0, 34.0

// ridge is a chain of mountains.
type ridge struct {
	base, relief float64 // pixels from the top, and above the base
	wave         float64 // pixels
	seed         int
	near         float64 // from 0, lost in the haze, to 1
}

// ridges are from far to near.
var ridges = []ridge{
	{330, 95, 210, 3, 0.25},
	{355, 90, 150, 11, 0.5},
	{378, 75, 110, 23, 0.75},
	{388, 42, 70, 41, 0.95},
}

func main() {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var sum rgb
			for i := range samples * samples {
				at := func(pixel, sample int) float64 { return float64(pixel) + (float64(sample)+0.5)/samples }
				sum = sum.add(scene(at(x, i%samples), at(y, i/samples)), 1.0/(samples*samples))
			}
			img.Set(x, y, color.RGBA{encode(sum.r), encode(sum.g), encode(sum.b), 255})
		}
	}
	if err := jpeg.Encode(os.Stdout, img, &jpeg.Options{Quality: quality}); err != nil {
		fmt.Fprintln(os.Stderr, "photo:", err)
		os.Exit(1)
	}
}

func encode(light float64) uint8 { return uint8(math.Pow(min(light, 1), 1/2.2)*255 + 0.5) }

func scene(x, y float64) rgb {
	if inBoat(x, y) {
		return black
	}
	if y < shore {
		return land(x, y)
	}
	depth := (y - shore) / (height - shore)
	ripple := (noise(x/(30+90*depth), y/(2+9*depth), 7) - 0.5) * (4 + 60*depth)
	mirrored := land(x+ripple, shore-(y-shore)*1.15-math.Abs(ripple)*0.4)
	glitter := math.Exp(-math.Abs(x-sunX)/(14+80*depth)) * smooth(0.6, 0.8, noise(x/(9+30*depth), y/(1.5+4*depth), 13))
	return mirrored.mix(night, 0.22+0.5*depth).add(sun, 0.6*glitter)
}

// land is what there is above the water.
func land(x, y float64) rgb {
	c := air(x, y)
	for _, r := range ridges {
		top := r.base - r.relief*fractal(x/r.wave+float64(r.seed)*7.3, float64(r.seed), 5)
		if y < top {
			continue
		}
		stone := haze.mix(night, r.near)
		c = stone.mix(haze, (1-r.near)*0.8*smooth(top, shore, y))
	}
	return c
}

// air is the sky, with clouds, stars and the sun.
func air(x, y float64) rgb {
	t := min(max(y, 0)/shore, 1) * float64(len(sky)-1)
	i := min(int(t), len(sky)-2)
	c := sky[i].mix(sky[i+1], t-float64(i))
	c = c.add(hex(0xffffff), star(x, y)*(1-smooth(0, 210, y)))

	d := math.Hypot(x-sunX, y-sunY)
	c = c.add(glow, 0.75*math.Exp(-d/90)).mix(sun, 1-smooth(sunRadius-1, sunRadius+1, d))

	cloud := smooth(0.52, 0.78, fractal(x/260, y/34+5, 5)) * smooth(40, 160, y) * (1 - smooth(290, 350, y))
	return c.mix(hex(0xffb27d).mix(hex(0x5b3a78), smooth(60, 420, d)), 0.75*cloud)
}

// star is how much of a star there is: at most one in each square of 26 pixels.
func star(x, y float64) float64 {
	const square = 26
	i, j := math.Floor(x/square), math.Floor(y/square)
	if random(i, j, 5) < 0.45 {
		return 0
	}
	dx, dy := x-(i+0.15+0.7*random(i, j, 6))*square, y-(j+0.15+0.7*random(i, j, 8))*square
	return random(i, j, 9) * math.Exp(-(dx*dx+dy*dy)/0.9)
}

// inBoat reports whether a point is of the boat: a hull, a mast and two sails.
func inBoat(x, y float64) bool {
	x, y = x-215, y-470
	hull := y > 0 && y < 11 && math.Abs(x) < 46-y*y/8
	mast := math.Abs(x) < 1.2 && y <= 0 && y > -96
	mainsail := x > 3 && y < -6 && x < 40+y*0.4 && y > -92
	jib := x < -3 && y < -8 && x > -30-y*0.36
	return hull || mast || mainsail || jib
}

// fractal is noise on n scales, from 0 to 1.
func fractal(x, y float64, n int) (sum float64) {
	weight := 0.5
	for i := range n {
		sum += weight * noise(x, y, i)
		x, y, weight = x*2+17, y*2+9, weight/2
	}
	return sum / (1 - 2*weight)
}

// noise is smooth, and random at whole numbers, from 0 to 1.
func noise(x, y float64, seed int) float64 {
	i, j := math.Floor(x), math.Floor(y)
	u, v := smooth(0, 1, x-i), smooth(0, 1, y-j)
	mix := func(a, b, t float64) float64 { return a + (b-a)*t }
	return mix(mix(random(i, j, seed), random(i+1, j, seed), u), mix(random(i, j+1, seed), random(i+1, j+1, seed), u), v)
}

// random is a hash, from 0 to 1.
func random(i, j float64, seed int) float64 {
	h := uint32(int32(i))*0x9e3779b1 ^ uint32(int32(j))*0x85ebca6b ^ uint32(seed)*0xc2b2ae35
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	return float64(h^h>>15) / math.MaxUint32
}

// smooth goes from 0 to 1 as x goes from a to b.
func smooth(a, b, x float64) float64 {
	t := min(max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}
