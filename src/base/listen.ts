/** Listening on ports that a person chose: what is said when one can't be had. */

/** A port that can't be listened on. The message names the flag. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Runs `start`, which listens on host:port. Throws ListenError, which names the flag that gives another port. */
export function listen<T>(flag: string, host: string, port: number, start: () => T): T {
  try {
    return start();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const where = hostAndPort(host, port);
    if (code === "EADDRINUSE") {
      throw new ListenError(
        `${where} is in use: stop the program that listens there, or give another --${flag}`,
      );
    }
    throw new ListenError(`can't listen on ${where}: ${message} (see --host and --${flag})`);
  }
}

/** host:port as clients write it. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
