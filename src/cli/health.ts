/**
 * `voik health`: asks a voik on this machine whether it is ready, for a container's HEALTHCHECK. Exit code 0 when
 * it is, 1 when not. Takes the same --host, --admin-port and VOIK_* variables as `voik serve`.
 */
import { configArgs } from "../config/args.ts";
import { type Flags, loadOption } from "../config/load.ts";
import { OPTIONS } from "../config/schema.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";

const TIMEOUT_MS = 3_000;

export default command({
  name: "health",
  description: "Ask a voik on this machine whether it is ready",
  args: configArgs(["host", "adminPort"]),
  async run({ args }) {
    const flags = args as Flags;
    const host = loadOption(OPTIONS.host, flags, process.env);
    const port = loadOption(OPTIONS.adminPort, flags, process.env);
    const url = `http://${reachable(host)}:${port}/readyz`;
    let answer: string;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      answer = (await response.text()).trim();
      if (response.ok) return console.log(answer);
    } catch {
      throw new CliError(EXIT.failed, `nothing answers at ${url}`);
    }
    throw new CliError(EXIT.failed, answer);
  },
});

/** The address to ask where a server listens on all of them. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
