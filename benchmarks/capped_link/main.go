// SPDX-License-Identifier: Apache-2.0

// capped_link is a TCP proxy that behaves like the network in front of S3: each connection gets so
// many bytes a second and no more, and the first byte of each answer comes late.
//
//	capped_link -to 127.0.0.1:9000 [-megabytes-per-second 90] [-first-byte-ms 30]
//
// It prints the port that it listens on, and ends with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// One step of the pace: small against what a connection carries in a second, large enough that the
// kernel moves it (splice) without a copy through this process.
const step = 128 << 10

type link struct {
	to             string
	bytesPerSecond float64
	firstByte      time.Duration
}

func main() {
	to := flag.String("to", "", "host:port to connect to")
	rate := flag.Float64("megabytes-per-second", 90, "per connection, from the server to the client")
	firstByte := flag.Int("first-byte-ms", 30, "from a request to the first byte of its answer")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || *to == "" {
		log.Fatalf("capped_link: -to %q: %v", *to, err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	l := link{*to, *rate * 1e6, time.Duration(*firstByte) * time.Millisecond}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go l.carry(client.(*net.TCPConn))
	}
}

func (l link) carry(client *net.TCPConn) {
	defer client.Close()
	connection, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	var asked atomic.Int64 // when the client last sent something, Unix nanoseconds
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			asked.Store(time.Now().UnixNano())
			if n > 0 {
				if _, failed := server.Write(buffer[:n]); failed != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		_ = server.CloseWrite()
	}()
	l.answer(client, server, &asked)
}

// answer paces what the server sends. A pause of the server ends an answer, so nothing is saved up.
func (l link) answer(client, server *net.TCPConn, asked *atomic.Int64) {
	answered := int64(0)
	next := time.Now()
	first := make([]byte, 1)
	for {
		if _, err := io.ReadFull(server, first); err != nil {
			return
		}
		if request := asked.Load(); request != answered {
			answered = request
			time.Sleep(time.Until(time.Unix(0, request).Add(l.firstByte)))
		}
		if now := time.Now(); next.Before(now) {
			next = now
		}
		if _, err := client.Write(first); err != nil {
			return
		}
		sent, err := l.copyAvailable(client, server)
		next = next.Add(time.Duration(float64(sent+1) / l.bytesPerSecond * float64(time.Second)))
		time.Sleep(time.Until(next))
		if err != nil {
			return
		}
	}
}

// copyAvailable moves at most one step, and not more than the server has sent by now.
func (l link) copyAvailable(client, server *net.TCPConn) (int64, error) {
	_ = server.SetReadDeadline(time.Now().Add(time.Millisecond))
	defer func() { _ = server.SetReadDeadline(time.Time{}) }()
	sent, err := io.CopyN(client, server, step)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return sent, nil
	}
	return sent, err
}
