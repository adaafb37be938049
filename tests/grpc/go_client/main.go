// SPDX-License-Identifier: Apache-2.0

// go_client tries a server with Go's official gRPC client: the health service, and with -echo the
// methods of the echo server. It exits with status 1 at the first surprise.
package main

import (
	"context"
	"flag"
	"log"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const unlimited = 1 << 30

func main() {
	log.SetFlags(0)
	address := flag.String("address", "127.0.0.1:8500", "host and port of the server")
	authority := flag.String("ca", "", "file with the authority of a server under TLS")
	service := flag.String("service", "", "service to ask the health of")
	echo := flag.Bool("echo", false, "also try the methods of the echo server")
	flag.Parse()

	transport := insecure.NewCredentials()
	if *authority != "" {
		var err error
		transport, err = credentials.NewClientTLSFromFile(*authority, "")
		must("read the authority", err)
	}
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(unlimited), grpc.MaxCallSendMsgSize(unlimited)))
	must("connect", err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	tryHealth(ctx, connection, *service)
	if *echo {
		tryEcho(ctx, connection)
		tryErrors(ctx, connection)
	}
}

func must(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func tryHealth(ctx context.Context, connection *grpc.ClientConn, service string) {
	health := grpc_health_v1.NewHealthClient(connection)
	request := &grpc_health_v1.HealthCheckRequest{Service: service}
	answer, err := health.Check(ctx, request)
	must("check", err)
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		log.Fatalf("check: %v", answer.Status)
	}
	watching, stop := context.WithCancel(ctx)
	stream, err := health.Watch(watching, request)
	must("watch", err)
	answer, err = stream.Recv()
	must("watch", err)
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		log.Fatalf("watch: %v", answer.Status)
	}
	stop()
	if _, err = stream.Recv(); status.Code(err) != codes.Canceled {
		log.Fatalf("a watch that was cancelled ended with %v", err)
	}
}

// Any protobuf message will do for an echo.
func echoOf(ctx context.Context, connection *grpc.ClientConn, method, text string, options ...grpc.CallOption) error {
	request := &grpc_health_v1.HealthCheckRequest{Service: text}
	answer := &grpc_health_v1.HealthCheckRequest{}
	if err := connection.Invoke(ctx, "/echo.Echo/"+method, request, answer, options...); err != nil {
		return err
	}
	if answer.Service != text {
		log.Fatalf("%s of %d bytes came back as %d bytes", method, len(text), len(answer.Service))
	}
	return nil
}

func tryEcho(ctx context.Context, connection *grpc.ClientConn) {
	must("big echo", echoOf(ctx, connection, "Unary", strings.Repeat("big ", 16<<20)))
	must("compressed echo", echoOf(ctx, connection, "Unary", strings.Repeat("gzip ", 1<<18), grpc.UseCompressor(gzip.Name)))
	// Go measures the bandwidth with a ping whenever data arrives: that must not look like a flood.
	var workers sync.WaitGroup
	for worker := 0; worker < 16; worker++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for call := 0; call < 500; call++ {
				must("echo", echoOf(ctx, connection, []string{"Unary", "Threaded"}[call%2], "small"))
			}
		}()
	}
	workers.Wait()
}

func tryErrors(ctx context.Context, connection *grpc.ClientConn) {
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := echoOf(short, connection, "Silent", ""); status.Code(err) != codes.DeadlineExceeded {
		log.Fatalf("a silent call ended with %v", err)
	}
	if err := echoOf(ctx, connection, "Nothing", ""); status.Code(err) != codes.Unimplemented {
		log.Fatalf("an unknown method ended with %v", err)
	}
}
