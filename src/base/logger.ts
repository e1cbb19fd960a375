/**
 * Log lines for people (text) or machines (json), one event a line on standard error; the ready line alone goes
 * to standard output. Never a secret, never a record's bytes.
 *
 *   text  2026-11-23T08:00:00.000Z info  listening kafka=127.0.0.1:9092
 *   json  {"time":"2026-…","level":"info","msg":"listening","kafka":"127.0.0.1:9092"}
 */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "text" | "json";
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
}

/** Formats one event, without the line end. */
export function formatLogLine(
  format: LogFormat,
  level: LogLevel,
  timeMs: number,
  msg: string,
  fields: LogFields,
) {
  const time = new Date(timeMs).toISOString();
  if (format === "json") return JSON.stringify({ time, level, msg, ...fields });
  let line = `${time} ${level.padEnd(5)} ${msg}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${name}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`;
  }
  return line;
}

/** A logger that writes events of `level` and above through `write` (standard error unless given). */
export function createLogger(
  format: LogFormat,
  level: LogLevel,
  write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) < least) return () => {};
    return (msg: string, fields: LogFields = {}) =>
      write(formatLogLine(format, name, Date.now(), msg, fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A logger that says nothing, for tests and for the embedded log. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
