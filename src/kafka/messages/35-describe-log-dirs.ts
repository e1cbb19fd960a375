/** DescribeLogDirs: folders with the sizes of partitions. Version 2 is flexible, 3 has an error, 4 the volume's size. */
import { array, bool, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "2+" };

export const DescribeLogDirsRequest = message("DescribeLogDirsRequest", ranges, {
  topics: array("0+", { topic: string("0+"), partitions: array("0+", int32()) }, { nullable: "0+" }),
});

export const DescribeLogDirsResponse = message("DescribeLogDirsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  errorCode: int16("3+"),
  results: array("0+", {
    errorCode: int16("0+"),
    logDir: string("0+"),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        partitionSize: int64("0+"),
        offsetLag: int64("0+"),
        isFutureKey: bool("0+"),
      }),
    }),
    totalBytes: int64("4+", { default: -1 }),
    usableBytes: int64("4+", { default: -1 }),
  }),
});

export const DescribeLogDirs = {
  key: 35,
  name: "DescribeLogDirs",
  request: DescribeLogDirsRequest,
  reply: DescribeLogDirsResponse,
};
