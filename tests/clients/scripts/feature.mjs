// Shared by the scripts of JavaScript clients, as feature.py is by those of Python clients.

export const SITE = process.env.SITE;
export const KEY = process.env.KEY;
export const MODEL = "openai/gpt-4o-mini";
export const THINKING_MODEL = "anthropic/claude-sonnet-4.5";
export const EMBEDDING_MODEL = "openai/text-embedding-3-small";
export const QUESTION = "What is the meaning of life?";
export const WEATHER_QUESTION = "What is the weather in Lisbon?";
export const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYfhqAACQ+f8B8u7oVwAAAABJRU5ErkJggg==";
export const PICTURE_URL = `data:image/png;base64,${PICTURE}`;
export const PICTURE_QUESTION = "What is in this image?";

export async function feature(name, attempt) {
  let error = null;
  try {
    await attempt();
  } catch (failure) {
    console.error(failure);
    error = `${failure.name}: ${failure.message}`;
  }
  console.log(JSON.stringify({ feature: name, error }));
}

export function check(value, message) {
  if (!value) throw new Error(message);
}
