/** voik's version, taken from package.json when the executable is built. */
import { version } from "../../package.json" with { type: "json" };

export const VERSION: string = version;
