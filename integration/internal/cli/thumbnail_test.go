package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/inputs"
	"github.com/linmem/linmem/integration/internal/cli"
)

// picture returns a PNG of one color.
func picture(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestThumbnail holds the size of thumbnails, that they are of the picture, and that the result is of what is written.
func TestThumbnail(t *testing.T) {
	blue := color.RGBA{R: 10, G: 20, B: 200, A: 255}
	for _, tt := range []struct {
		name          string
		picture       []byte // nil for the embedded one
		flags         string
		width, height int
	}{
		{"Embedded", nil, "", 128, 96},
		{"MaxSide", nil, "--max-side 40", 40, 30},
		{"PNG", picture(t, 300, 200, blue), "--max-side 60", 60, 40},
		{"Upright", picture(t, 200, 300, blue), "--max-side 60", 40, 60},
		{"OnePixel", picture(t, 30, 30, blue), "--max-side 1", 1, 1},
		{"NotEnlarged", picture(t, 30, 20, blue), "--max-side 2147483647", 30, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "thumb.png")
			args := strings.Fields("run --json --out " + out + " " + tt.flags)
			if tt.picture != nil {
				args = append(args, "--in", "-")
			}
			code, stdout, stderr := run(program, string(tt.picture), args...)
			data, err := os.ReadFile(out)
			if code != 0 || stderr != "" || err != nil {
				t.Fatalf("exit code %d, standard error %q, %v", code, stderr, err)
			}
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if size := img.Bounds().Size(); size != image.Pt(tt.width, tt.height) {
				t.Errorf("the thumbnail has %v pixels", size)
			}
			if r, g, b, _ := img.At(0, 0).RGBA(); tt.picture != nil && (r>>8 != 10 || g>>8 != 20 || b>>8 != 200) {
				t.Errorf("its color is %d %d %d", r>>8, g>>8, b>>8)
			}
			want := fmt.Sprintf("%d x %d pixels, PNG of %d bytes, SHA-256 %x", tt.width, tt.height, len(data), sha256.Sum256(data))
			if a := decode(t, stdout); a.Result != want || a.Placement.Strategy != "heap-base" {
				t.Errorf("answer %+v, want %s", a, want)
			}
		})
	}
}

// TestRunWithoutFlags holds that what is shown first is a thumbnail, and that no file is left.
func TestRunWithoutFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := run(program, "", "run")
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "guest thumbnail, function thumbnail, input photo.jpg (") ||
		!strings.Contains(stdout, "128 x 96 pixels") || !strings.Contains(stdout, "placement    heap-base: ") {
		t.Errorf("exit code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
	hasFiles(t, ".")
}

// hasFiles requires a folder to hold the files of these names, and nothing else.
func hasFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

// TestNoPicture holds that what is no picture is bad input, in the guest's words, and writes nothing.
func TestNoPicture(t *testing.T) {
	whole := picture(t, 300, 300, color.White)
	for _, tt := range []struct {
		name, input, says string
	}{
		{"Text", "no picture", "no picture that can be read, in JPEG or PNG: Image not of any known type"},
		{"Empty", "", "no picture that can be read"},
		{"CutPNG", string(whole[:60]), "no picture that can be read"},
		{"CutJPEG", string(inputs.Photo[:300]), "no picture that can be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			code, stdout, stderr := run(program, tt.input, "run", "--in", "-", "--out", filepath.Join(dir, "thumb.png"))
			if code != 2 || stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, standard output %q, standard error %q, want %q", code, stdout, stderr, tt.says)
			}
			hasFiles(t, dir)
		})
	}
}

// cramped is wazero with a memory that cannot grow to more than 16 pages.
var cramped = engines.Engine{Name: "cramped", Open: func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
	inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
	if err == nil {
		err = inst.(guest.Limiter).LimitPages(16)
	}
	return inst, stop, err
}}

// TestNoMemoryForPicture holds that a guest without memory is not taken for a picture that is broken.
func TestNoMemoryForPicture(t *testing.T) {
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{cramped}}
	code, stdout, stderr := run(p, "", "run")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "the guest ran out of memory") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout, stderr)
	}
}

// TestOutput holds that a file is replaced as a whole, with the mode that it had, and that nothing is left beside it.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "thumb.png")
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{
		engines.LeftOut("absent", "no reason"), wazeroengine.Default(),
	}}
	for _, mode := range []os.FileMode{0, 0o600} {
		if mode != 0 {
			if err := os.WriteFile(out, []byte("what was there"), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(out, mode); err != nil {
				t.Fatal(err)
			}
		}
		// The first backend that succeeds is the second one.
		code, _, stderr := run(p, "", "run", "--backend", "all", "--out", out)
		if code != 1 || !strings.Contains(stderr, "absent") {
			t.Errorf("exit code %d, standard error %q", code, stderr)
		}
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(f); err != nil {
			t.Error(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if mode != 0 && runtime.GOOS != "windows" && info.Mode() != mode {
			t.Errorf("the mode was %v, and is %v", mode, info.Mode())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		hasFiles(t, dir, "thumb.png")
	}
}

// TestOutputToALink holds that the file which a symbolic link names is written, and the link stays one.
func TestOutputToALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows")
	}
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link.png"), filepath.Join(dir, "thumb.png")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(program, "", "run", "--out", link); code != 0 {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	written, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || written.Size() == 0 {
		t.Errorf("the link is %v, %v, and its file has %d bytes", info, err, written.Size())
	}
}

// TestOutputIsRefused holds that a file that cannot be written, of which nothing shows before, is an error after the report.
func TestOutputIsRefused(t *testing.T) {
	const readOnly = "/proc/self"
	if _, err := os.Stat(readOnly); err != nil {
		t.Skipf("this system has no folder in which not even root can write: %v", err)
	}
	code, stdout, stderr := run(program, "", "run", "--out", readOnly+"/thumb.png")
	if code != 1 || !strings.Contains(stdout, "128 x 96") ||
		!strings.HasPrefix(stderr, "linmem: cannot write /proc/self/thumb.png: ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
}

// blurred is wazero with a guest that makes thumbnails of half the size.
var blurred = engines.Engine{Name: "blurred", Open: func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
	inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
	return halving{inst, inst.(engines.Binder)}, stop, err
}}

type halving struct {
	guest.Instance
	engines.Binder
}

func (h halving) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	if name == "thumbnail" {
		args[2] /= 2
	}
	return h.Instance.Call(ctx, name, args...)
}

// TestThumbnailsDiffer holds that no file is written where backends do not agree on it.
func TestThumbnailsDiffer(t *testing.T) {
	dir := t.TempDir()
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{wazeroengine.Default(), blurred}}
	code, _, stderr := run(p, "", "run", "--backend", "all", "--out", filepath.Join(dir, "thumb.png"))
	if code != 1 || !strings.Contains(stderr, "wazero returns 128 x 96") ||
		!strings.Contains(stderr, "but blurred returns 64 x 48") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	hasFiles(t, dir)
}
