/** A secret that a data folder keeps: random bytes in a file of mode 0600, made once, durable before it is used. */
import { dirname } from "node:path";
import { VoikError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import type { Random } from "./random.ts";

/** The `bytes` secret bytes in the file at `path`; makes it when it is missing. Throws VoikError storage_damaged. */
export async function readOrMakeSecret(
  fileSystem: FileSystem,
  random: Random,
  path: string,
  bytes: number,
): Promise<Buffer> {
  if (fileSystem.exists(path)) {
    const secret = Buffer.alloc(bytes);
    const file = fileSystem.open(path, "read");
    const whole = file.size() === bytes && file.read(secret, 0) === bytes;
    file.close();
    if (whole) return secret;
    throw new VoikError(
      "storage_damaged",
      `${path} should have ${bytes} bytes: restore it, or remove it to get a new one`,
    );
  }
  const secret = random.bytes(bytes);
  const fresh = `${path}.new`;
  if (fileSystem.exists(fresh)) fileSystem.remove(fresh);
  const file = fileSystem.open(fresh, "create");
  file.write(secret, 0);
  await file.sync();
  file.close();
  fileSystem.rename(fresh, path);
  await fileSystem.syncFolder(dirname(path));
  return secret;
}
