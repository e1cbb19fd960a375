// Reads a stream through AWS's SDK for Go, whose HTTP client asks for gzip by itself and inflates without a word.
// Prints the records, their bytes, and how many replies came in gzip.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

type counting struct{ inflated int }

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil && response.Uncompressed {
		c.inflated++
	}
	return response, err
}

func main() {
	ctx := context.Background()
	transport := &counting{}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"),
		config.WithHTTPClient(&http.Client{Transport: transport}))
	check(err)
	client := kinesis.NewFromConfig(cfg, func(o *kinesis.Options) { o.BaseEndpoint = aws.String(os.Args[1]) })
	iterator, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName:        aws.String(os.Args[2]),
		ShardId:           aws.String("shardId-000000000000"),
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	check(err)
	read, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	check(err)
	bytes := 0
	for _, record := range read.Records {
		bytes += len(record.Data)
	}
	fmt.Printf("%d records, %d bytes, %d reply in gzip\n", len(read.Records), bytes, transport.inflated)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
