// franz-go as a program that takes the words of ../compat/client.ts.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func connect(options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(os.Getenv("COMPAT_BROKER")), kgo.AllowAutoTopicCreation())
	if user, found := os.LookupEnv("COMPAT_USER"); found {
		authority, err := os.ReadFile(os.Getenv("COMPAT_CA"))
		check(err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(authority)
		login := scram.Auth{User: user, Pass: os.Getenv("COMPAT_PASSWORD")}
		options = append(options,
			kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
			kgo.SASL(login.AsSha512Mechanism()))
	}
	client, err := kgo.NewClient(options...)
	check(err)
	return client
}

func send(ctx context.Context, client *kgo.Client, topic string) {
	var records []*kgo.Record
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		value := []byte(input.Text())
		records = append(records, &kgo.Record{Topic: topic, Key: value, Value: value})
	}
	check(client.ProduceSync(ctx, records...).FirstErr())
}

func transact(ctx context.Context, topic, id string, end kgo.TransactionEndTry) {
	client := connect(kgo.TransactionalID(id))
	defer client.Close()
	check(client.BeginTransaction())
	send(ctx, client, topic)
	check(client.EndTransaction(ctx, end))
}

func member(ctx context.Context, group, topic string) {
	leaving, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	client := connect(
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(300*time.Millisecond),
		kgo.DisableAutoCommit())
	for leaving.Err() == nil {
		fetches := client.PollFetches(leaving)
		fetches.EachRecord(func(record *kgo.Record) { fmt.Println(string(record.Value)) })
		err := client.CommitRecords(ctx, fetches.Records()...)
		// A rebalance has begun: the next owner reads it again.
		if !errors.Is(err, kerr.RebalanceInProgress) && !errors.Is(err, kerr.IllegalGeneration) {
			check(err)
		}
	}
	client.Close()
}

func administer(ctx context.Context, verb, topic, argument string) {
	admin := kadm.NewClient(connect())
	defer admin.Close()
	switch verb {
	case "create":
		partitions, err := strconv.Atoi(argument)
		check(err)
		_, err = admin.CreateTopic(ctx, int32(partitions), -1, nil, topic)
		check(err)
	case "delete":
		_, err := admin.DeleteTopic(ctx, topic)
		check(err)
	case "alter":
		change := kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: &argument}
		altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topic)
		check(err)
		check(altered[0].Err)
	default:
		topics, err := admin.ListTopics(ctx, topic)
		check(err)
		fmt.Println("partitions", len(topics[topic].Partitions))
		described, err := admin.DescribeTopicConfigs(ctx, topic)
		check(err)
		for _, config := range described[0].Configs {
			if config.Key == "retention.ms" {
				fmt.Println("retention.ms", config.MaybeValue())
			}
		}
	}
}

func main() {
	ctx := context.Background()
	words := append(os.Args[1:], "", "")
	verb, first, second := words[0], words[1], words[2]
	switch verb {
	case "produce":
		client := connect(kgo.ProducerBatchCompression(codecs[second]))
		send(ctx, client, first)
		client.Close()
	case "idempotent": // as franz-go always is, unless told otherwise
		client := connect()
		send(ctx, client, first)
		client.Close()
	case "commit":
		transact(ctx, first, second, kgo.TryCommit)
	case "abort":
		transact(ctx, first, second, kgo.TryAbort)
	case "member":
		member(ctx, first, second)
	default:
		administer(ctx, verb, first, second)
	}
}
