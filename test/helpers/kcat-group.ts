/** One member of a consumer group: kcat -G, with its records and rebalances as they come. */
export interface GroupRecord {
  partition: number;
  offset: number;
  value: string;
}

export class KcatMember {
  readonly records: GroupRecord[] = [];
  /** Partitions that it owns now, ascending. */
  assigned: number[] = [];
  stderr = "";
  private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  private readonly read: Promise<unknown>;

  constructor(broker: string, group: string, topic: string, options: readonly string[] = []) {
    const settings = ["auto.offset.reset=earliest", "session.timeout.ms=6000", "heartbeat.interval.ms=300"];
    const flags = settings.flatMap((setting) => ["-X", setting]);
    const format = ["-u", "-f", "%p %o %s\n"];
    const command = ["kcat", "-b", broker, "-G", group, ...flags, ...options, ...format, topic];
    this.child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.read = Promise.all([
      eachLine(this.child.stdout, (line) => {
        const [partition, offset, value = ""] = line.split(" ");
        this.records.push({ partition: Number(partition), offset: Number(offset), value });
      }),
      eachLine(this.child.stderr, (line) => this.onNotice(line)),
    ]);
  }

  /** Leaves the group as a client does. */
  async stop(): Promise<void> {
    this.child.kill("SIGINT");
    await this.child.exited;
    await this.read;
  }

  /** SIGKILL: the group hears nothing. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    await this.read;
  }

  private onNotice(line: string): void {
    this.stderr += `${line}\n`;
    const [, what = "", list = ""] = /rebalanced.*(assigned|revoked|incremental \w+)(.*)$/.exec(line) ?? [];
    const named = [...list.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number));
    if (what === "incremental assignment") this.assigned = [...this.assigned, ...named].sort((a, b) => a - b);
    else if (what.startsWith("incremental"))
      this.assigned = this.assigned.filter((one) => !named.includes(one));
    else if (what !== "") this.assigned = what === "assigned" ? named.sort((a, b) => a - b) : [];
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
