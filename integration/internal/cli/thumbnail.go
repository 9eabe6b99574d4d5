package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// outOfMemory is the reason of the guest thumbnail that is not about the picture.
const outOfMemory = "Out of memory"

// thumbnail is the outcome of the guest thumbnail: see guests.Thumbnail.
func thumbnail(ctx context.Context, call *call) (outcome, error) {
	addr := call.results[0]
	if addr == 0 {
		reason, err := thumbnailReason(ctx, call)
		switch {
		case err != nil:
			return outcome{}, failed("the guest does not say why it made no thumbnail: %v", err)
		case reason == outOfMemory:
			return outcome{}, failed("the guest ran out of memory: the picture is too large for it")
		}
		return outcome{}, badInput("the input is no picture that can be read, in JPEG or PNG: %s", reason)
	}
	mem := call.inst.Memory()
	header, err := mem.View(addr, 16)
	if err != nil {
		return outcome{}, failed("%v", err)
	}
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(header[4*i:])) }
	width, height := word(2), word(3)
	png, err := mem.View(word(0), word(1))
	if err != nil {
		return outcome{}, failed("%v", err)
	}
	out := outcome{file: bytes.Clone(png)}
	out.text = fmt.Sprintf("%d x %d pixels, PNG of %s, SHA-256 %x",
		width, height, count(word(1), "byte"), sha256.Sum256(out.file))
	if err := call.heap.Free(addr); err != nil {
		return outcome{}, failed("%v", err)
	}
	return out, nil
}

// thumbnailReason returns why the guest made none.
func thumbnailReason(ctx context.Context, call *call) (string, error) {
	results, err := call.inst.Call(ctx, "error")
	if err != nil {
		return "", err
	}
	const most = 200
	mem, addr := call.inst.Memory(), results[0]
	end := mem.NumPages() * linmem.PageSize
	text, err := mem.View(addr, min(most, max(end, addr)-addr))
	text, _, _ = bytes.Cut(text, []byte{0})
	return string(text), err
}
