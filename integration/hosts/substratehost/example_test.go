package substratehost_test

import (
	"context"
	"fmt"
	"log"

	"github.com/linmem/linmem/integration/hosts/substratehost"
)

// Host and runtime allocate from one heap: the host the arguments, the runtime all that it needs, and its result.
func Example() {
	ctx := context.Background()
	e, err := substratehost.New(ctx, substratehost.Clearing)
	if err != nil {
		log.Fatal(err)
	}
	args := substratehost.EncodeTransfers([]substratehost.Transfer{{1, 2, 500}, {2, 3, 120}, {3, 1, 20}})
	result, err := e.Exec(ctx, "Clearing_net", args)
	if err != nil {
		log.Fatal(err)
	}
	changes, err := substratehost.DecodeChanges(result)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range changes {
		fmt.Printf("account %d: %+d\n", c.Account, c.Amount)
	}
	fmt.Println("blocks left:", e.Live(), "verified:", e.Verify())
	if err := e.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// account 1: -480
	// account 2: +380
	// account 3: +100
	// blocks left: 0 verified: <nil>
}
