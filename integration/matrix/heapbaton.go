package matrix

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
)

// baton is what one leg of the relay leaves to the next.
type baton struct {
	snapshot []byte
	image    []byte // of the memory, from imageStart on

	outcomes string // digest of the operations of the leg

	// What is live, so that the next leg need not believe the snapshot. It is no part of the heap.
	blocks, inArenas, runs, foreign []block
	stamp                           contents // of the newest block
}

// A baton is committed as a zip file, since that names its parts: snapshot, image and blocks.json. Its comment and its name
// say which engine has left it.

type (
	batonJSON struct {
		Outcomes                        string
		Blocks, InArenas, Runs, Foreign []blockJSON
		Stamp                           uint64
	}
	blockJSON [3]uint64 // address, size, stamp
)

func batonName(leg int) string { return fmt.Sprintf("heap-relay/%d-%s.zip", leg+1, relay[leg]) }

func batonComment(leg int) string { return fmt.Sprintf("leg %d, on %s", leg+1, relay[leg]) }

// writeBaton runs a leg from the committed baton of the leg before, and commits another.
func (f *fixture) writeBaton(leg int) {
	f.Helper()
	var from baton
	if leg > 0 {
		from = f.readBaton(leg - 1)
	}
	b := runLeg(f, leg, from)
	text, err := json.Marshal(batonJSON{
		b.outcomes, listJSON(b.blocks), listJSON(b.inArenas), listJSON(b.runs), listJSON(b.foreign), uint64(b.stamp),
	})
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, part := range []struct {
		name string
		data []byte
	}{{"snapshot", b.snapshot}, {"image", b.image}, {"blocks.json", text}} {
		dst, err := w.Create(part.name)
		if err == nil {
			_, err = dst.Write(part.data)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := w.SetComment(batonComment(leg)); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	writeTestdata(f, batonName(leg), file.Bytes())
}

func (f *fixture) readBaton(leg int) (b baton) {
	f.Helper()
	file := readTestdata(f, batonName(leg))
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		f.Fatal(err)
	}
	if r.Comment != batonComment(leg) {
		f.Errorf("%s says %q, want %q", batonName(leg), r.Comment, batonComment(leg))
	}
	part := func(name string) []byte {
		src, err := r.Open(name)
		if err != nil {
			f.Fatal(err)
		}
		data, err := io.ReadAll(src)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	var text batonJSON
	if err := json.Unmarshal(part("blocks.json"), &text); err != nil {
		f.Fatal(err)
	}
	return baton{
		part("snapshot"), part("image"), text.Outcomes,
		listOf(text.Blocks), listOf(text.InArenas), listOf(text.Runs), listOf(text.Foreign), contents(text.Stamp),
	}
}

func listJSON(blocks []block) (list []blockJSON) {
	for _, b := range blocks {
		list = append(list, blockJSON{b.addr, b.size, uint64(b.contents)})
	}
	return list
}

func listOf(list []blockJSON) (blocks []block) {
	for _, b := range list {
		blocks = append(blocks, block{b[0], b[1], contents(b[2])})
	}
	return blocks
}
