package gopluginhost_test

import (
	"context"
	"fmt"
	"log"

	"github.com/knqyf263/go-plugin/examples/helloworld/greeting"
	"github.com/linmem/linmem/integration/hosts/gopluginhost"
)

// The same plugin is called by go-plugin's generated code, and with the request encoded into its memory.
func Example() {
	ctx := context.Background()
	g, err := gopluginhost.Load(ctx, "guest/greeter.wasm")
	if err != nil {
		log.Fatal(err)
	}
	request := &greeting.GreetRequest{Name: "go-plugin"}

	for _, greeter := range []greeting.Greeter{g.Generated, g} {
		reply, err := greeter.Greet(ctx, request)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(reply.GetMessage())
	}
	fmt.Println("verified:", g.Verify())
	if err := g.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Good morning, go-plugin
	// Good morning, go-plugin
	// verified: <nil>
}
