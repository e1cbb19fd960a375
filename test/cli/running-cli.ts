/** A client command, from source, that a test looks at and writes to while it runs. */
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");

export class RunningCli {
  stdout = "";
  stderr = "";
  private readonly child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  private readonly read: Promise<unknown>;

  /** `broker`: host:port. */
  constructor(broker: string, ...args: readonly string[]) {
    const command = [process.execPath, MAIN, ...args, "--broker", broker];
    this.child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe", timeout: 20_000 });
    this.read = Promise.all([
      gather(this.child.stdout, (text) => (this.stdout += text)),
      gather(this.child.stderr, (text) => (this.stderr += text)),
    ]);
  }

  write(text: string): void {
    this.child.stdin.write(text);
    void this.child.stdin.flush();
  }

  /** Waits until `what` is true; fails when the command ends before. */
  async until(what: (running: RunningCli) => boolean): Promise<void> {
    while (!what(this)) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
      await Bun.sleep(5);
    }
  }

  /** The exit code, after the end of its input. */
  async end(): Promise<number> {
    await this.child.stdin.end();
    await this.read;
    return this.child.exited;
  }
}

async function gather(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}
