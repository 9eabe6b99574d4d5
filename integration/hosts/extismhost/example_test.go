package extismhost_test

import (
	"context"
	"fmt"
	"log"

	"github.com/linmem/linmem/integration/hosts/extismhost"
)

// The same plugin does the same twice: as Extism has it, and in place.
func Example() {
	ctx := context.Background()
	p, err := extismhost.Open(ctx, extismhost.Redact)
	if err != nil {
		log.Fatal(err)
	}
	text := []byte("card 4111 1111 1111 1111, valid until 12/29")

	_, output, err := p.Call("redact", text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("extism:  ", string(output))

	err = p.CallInPlace(ctx, "redact_in_place", text, func(redacted []byte) error {
		fmt.Println("in place:", string(redacted))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("verified:", p.Verify())
	if err := p.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// extism:   card xxxx xxxx xxxx xxxx, valid until xx/xx
	// in place: card xxxx xxxx xxxx xxxx, valid until xx/xx
	// verified: <nil>
}
