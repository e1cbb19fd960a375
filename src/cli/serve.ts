/**
 * `voik serve`: runs the broker until a signal or a failing disk ends it.
 *
 *   first SIGTERM or SIGINT   stop taking work, answer what was accepted, sync, exit 0 within 10 s
 *   second one                exit at once with 143 or 130
 *   failed sync               exit 74: what was not on the disk was never acked, the next start finds the truth
 */
import { createLogger, type Logger } from "../base/logger.ts";
import { configArgs } from "../config/args.ts";
import { type Flags, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { startVoik, type Voik } from "../voik.ts";
import { command } from "./command.ts";
import { CliError, EXIT, messageOf } from "./exit.ts";

const STOP_TIMEOUT_MS = 9_500;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

export default command({
  name: "serve",
  description: "Run the broker",
  args: configArgs(),
  async run({ args }) {
    const { config, warnings } = loadConfig(args as Flags, process.env);
    const logger = createLogger(config.logFormat, config.logLevel);
    for (const warning of warnings) logger.warn(warning);
    const signal = firstSignal();
    const voik = await startVoik(config, logger);
    printReady(config, voik);
    const end = await Promise.race([signal, voik.failed]);
    if (typeof end !== "string") throw new CliError(EXIT.storageFailed, messageOf(end));
    await stop(voik, end, logger);
  },
});

/** Resolves with the first signal's name; a second signal ends the process at once. */
function firstSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let seen = false;
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (seen) process.exit(code);
      seen = true;
      resolve(name);
    });
  }
  return promise;
}

async function stop(voik: Voik, signal: string, logger: Logger): Promise<void> {
  logger.info("stopping", { signal });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new CliError(
        EXIT.failed,
        `could not stop within ${STOP_TIMEOUT_MS / 1000} s; every ack is on the disk all the same`,
      ),
    );
  }, STOP_TIMEOUT_MS);
  const failed = voik.failed.then((error) => {
    throw new CliError(EXIT.storageFailed, messageOf(error));
  });
  await Promise.race([voik.stop(), late.promise, failed]);
  clearTimeout(timer);
  logger.info("stopped");
}

/** The one line on standard output: whoever started voik waits for it. */
function printReady(config: Config, { addresses }: Voik): void {
  const line =
    config.logFormat === "json"
      ? JSON.stringify({ msg: "ready", ...addresses })
      : `ready  kafka=${addresses.kafka}  kinesis=${addresses.kinesis}  admin=${addresses.admin}`;
  process.stdout.write(`${line}\n`);
}
