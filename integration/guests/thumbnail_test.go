package guests_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/inputs"
)

// thumbnail makes a thumbnail. It returns nil and the reason if the guest cannot. Either way nothing may be left on the heap.
func thumbnail(i *instance, file []byte, maxSide int32) (pic []byte, size image.Point, reason string) {
	i.Helper()
	in, err := i.heap.Put(file)
	if err != nil {
		i.Fatal(err)
	}
	if r := i.call("thumbnail", in, uint64(len(file)), uint64(uint32(maxSide))); r != 0 {
		word := func(n uint64) uint64 { return uint64(binary.LittleEndian.Uint32(i.view(r+4*n, 4))) }
		pic = bytes.Clone(i.view(word(0), word(1)))
		size = image.Pt(int(word(2)), int(word(3)))
		err = i.heap.Free(r)
	} else {
		for at := i.call("error"); i.view(at, 1)[0] != 0; at++ {
			reason += string(i.view(at, 1))
		}
	}
	if err != nil {
		i.Error(err)
	}
	if err := i.heap.Free(in); err != nil {
		i.Error(err)
	}
	if n := i.heap.Stats().Allocs; n != 0 {
		i.Errorf("%d blocks are left", n)
	}
	return pic, size, reason
}

// TestThumbnailAllocatesNothing shows that the guest leaves its memory to the host.
func TestThumbnailAllocatesNothing(t *testing.T) {
	r := inspect(t, guests.Thumbnail)
	if r.Grows.N != 0 || r.Sizes.N != 0 {
		t.Errorf("memory.grow at %v, memory.size at %v: want none", r.Grows, r.Sizes)
	}
	if r.HeapBase == nil || len(r.AllocatorImports) != 3 || len(r.Allocators) != 0 {
		t.Errorf("__heap_base %v, imports %v, exports %v: want malloc, realloc and free imported, and a base to serve them from",
			r.HeapBase, r.AllocatorImports, r.Allocators)
	}
}

func TestThumbnail(t *testing.T) {
	photo, err := jpeg.Decode(bytes.NewReader(inputs.Photo))
	if err != nil {
		t.Fatal(err)
	}
	i := open(t, guests.Thumbnail)
	for _, test := range []struct {
		name    string
		file    []byte
		pic     image.Image // in the file
		maxSide int32
		want    image.Point
	}{
		{"JPEG", inputs.Photo, photo, 160, image.Pt(160, 120)},
		{"JPEG-odd", inputs.Photo, photo, 97, image.Pt(97, 73)},
		{"JPEG-one-pixel", inputs.Photo, photo, 1, image.Pt(1, 1)},
		{"JPEG-as-large-as-it-is", inputs.Photo, photo, 800, image.Pt(800, 600)},
		{"JPEG-not-enlarged", inputs.Photo, photo, 1 << 30, image.Pt(800, 600)},
		{"PNG-high", encode(t, gradient(120, 300)), gradient(120, 300), 50, image.Pt(20, 50)},
		{"PNG-flat", encode(t, gradient(300, 1)), gradient(300, 1), 10, image.Pt(10, 1)},
		{"PNG-gray", encode(t, gray(64, 64)), gray(64, 64), 16, image.Pt(16, 16)},
		{"PNG-transparent", encode(t, veil(64, 48)), veil(64, 48), 32, image.Pt(32, 24)},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, size, reason := thumbnail(i.in(t), test.file, test.maxSide)
			if data == nil {
				t.Fatal(reason)
			}
			pic, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if got := pic.Bounds().Size(); got != test.want || size != test.want {
				t.Fatalf("the picture is %v, and said to be %v; want %v", got, size, test.want)
			}
			mustResemble(t, pic, test.pic)
		})
	}
}

// TestThumbnailRefuses has the guest fail, and work on.
func TestThumbnailRefuses(t *testing.T) {
	i := open(t, guests.Thumbnail)
	for _, test := range []struct {
		name    string
		file    []byte
		maxSide int32
		want    string
	}{
		{"side-0", inputs.Photo, 0, "max_side"},
		{"side-negative", inputs.Photo, -1, "max_side"},
		{"empty", []byte{}, 10, "not of any known type"},
		{"text", inputs.TZData, 10, "not of any known type"},
		{"JPEG-header-alone", inputs.Photo[:100], 10, ""},
		{"PNG-cut", encode(t, gradient(120, 300))[:200], 10, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pic, _, reason := thumbnail(i.in(t), test.file, test.maxSide)
			if pic != nil || reason == "" || !strings.Contains(reason, test.want) {
				t.Errorf("%d bytes of picture, %q; want none, and a reason with %q", len(pic), reason, test.want)
			}
		})
	}
	if pic, _, reason := thumbnail(i, inputs.Photo, 10); pic == nil {
		t.Errorf("afterwards: %s", reason)
	}
}

// TestThumbnailOutOfMemory gives the guest few pages. It needs 22 for the decoded photo of 800 by 600.
func TestThumbnailOutOfMemory(t *testing.T) {
	const fails, traps, works = "fails", "traps", "works"
	for _, test := range []struct {
		name    string
		nPages  uint64
		maxSide uint64
		want    string
	}{
		{"for-the-decoder", 2, 160, fails},
		{"for-the-decoded-picture", 20, 160, fails},
		{"for-the-resized-picture", 48, 799, fails},
		{"for-the-encoder", 48, 800, traps},
		{"there-is-enough", 48, 160, works},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := open(t, guests.Thumbnail, linmem.WithMaxPages(test.nPages))
			in, err := i.heap.Put(inputs.Photo)
			if err != nil {
				t.Fatal(err)
			}
			results, err := i.Call(context.Background(), "thumbnail", in, uint64(len(inputs.Photo)), test.maxSide)
			got := works
			if err != nil {
				got = traps
			} else if results[0] == 0 {
				got = fails
			}
			if got != test.want {
				t.Errorf("it %s (%v), and should be one that %s", got, err, test.want)
			}
			if n := i.heap.Stats().Allocs; got == fails && n != 1 {
				t.Errorf("%d blocks are left, want the file alone", n)
			}
			if err := i.heap.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// mustResemble requires a picture to have the colors of another, which is larger, in each of four by four fields.
func mustResemble(t *testing.T, got, want image.Image) {
	t.Helper()
	const tolerance = 12 // of 255: the guest averages light, this test averages numbers
	nx, ny := min(4, got.Bounds().Dx()), min(4, got.Bounds().Dy())
	for y := range ny {
		for x := range nx {
			g, w := mean(got, x, y, nx, ny), mean(want, x, y, nx, ny)
			for part := range g {
				if d := g[part] - w[part]; d < -tolerance || d > tolerance {
					t.Errorf("field %d, %d is of %v, want it near %v", x, y, g, w)
					break
				}
			}
		}
	}
}

// mean returns the mean color of the field x, y of nx by ny, as red, green, blue and alpha, each from 0 to 255.
func mean(pic image.Image, x, y, nx, ny int) (parts [4]int) {
	b := pic.Bounds()
	n := 0
	for py := y * b.Dy() / ny; py < (y+1)*b.Dy()/ny; py++ {
		for px := x * b.Dx() / nx; px < (x+1)*b.Dx()/nx; px++ {
			c := color.NRGBAModel.Convert(pic.At(b.Min.X+px, b.Min.Y+py)).(color.NRGBA)
			for i, part := range [4]uint8{c.R, c.G, c.B, c.A} {
				parts[i] += int(part)
			}
			n++
		}
	}
	for i := range parts {
		parts[i] /= n
	}
	return parts
}

func encode(t *testing.T, pic image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, pic); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// paint draws a picture by the share of the way to the right and to the bottom.
func paint(pic interface {
	image.Image
	Set(x, y int, c color.Color)
}, at func(u, v int) color.Color,
) image.Image {
	b := pic.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			pic.Set(x, y, at(x*255/b.Dx(), y*255/b.Dy()))
		}
	}
	return pic
}

func gradient(width, height int) image.Image {
	return paint(image.NewRGBA(image.Rect(0, 0, width, height)),
		func(u, v int) color.Color { return color.RGBA{uint8(u), uint8(v), uint8(255 - u), 255} })
}

func gray(width, height int) image.Image {
	return paint(image.NewGray(image.Rect(0, 0, width, height)),
		func(u, v int) color.Color { return color.Gray{uint8((u + v) / 2)} })
}

// veil is one color, opaque at the left and fading to the right.
func veil(width, height int) image.Image {
	return paint(image.NewNRGBA(image.Rect(0, 0, width, height)),
		func(u, _ int) color.Color { return color.NRGBA{200, 80, 40, uint8(255 - u/2)} })
}
