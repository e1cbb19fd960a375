/** ListChannels: not offered yet, and says so. */
import { unavailable } from "../channels.ts";

export const listChannels = unavailable();
