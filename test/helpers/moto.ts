/** moto, which stands in for the AWS services that AWS's own libraries want beside Kinesis: DynamoDB and STS. */
import { AWS_ENV } from "./installed.ts";

export interface Moto {
  /** Where it answers, without a slash at the end. */
  url: string;
  stop(): Promise<void>;
}

/** Starts `program` (moto_server) on a free port, with TLS where there is a certificate. */
export async function startMoto(program: string, tls?: { cert: string; key: string }): Promise<Moto> {
  const withTls = tls === undefined ? [] : ["-s", "-c", tls.cert, "-k", tls.key];
  const child = Bun.spawn([program, "-H", "127.0.0.1", "-p", "0", ...withTls], {
    env: AWS_ENV,
    stdout: "ignore",
    stderr: "pipe",
  });
  const lines = child.stderr.getReader();
  let said = "";
  let url: string | undefined;
  while (url === undefined) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`moto ended: ${said}`);
    said += Buffer.from(value).toString();
    url = /Running on (https?:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
  }
  void (async () => {
    while (!(await lines.read()).done); // it would stand still once the pipe is full
  })();
  return {
    url,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}
