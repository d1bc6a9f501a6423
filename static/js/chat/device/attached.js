/* The files of a message: those of a question, and the images of an answer. An image is a file's id; it was a data: URL
   before images were files, and it is a URL where a provider names one. */

/** Whether an answer's image is a URL and no file. */
export const isLink = (image) => /^(data|https?):/.test(image);

/** The ids of a message's files. */
export const fileIds = ({ files = [], images = [] }) => [...files, ...images.filter((image) => !isLink(image))];

/** Gives a message other files: `rename(id)` is the new id of a file. */
export function renameFiles(message, rename) {
  if (message.files) message.files = message.files.map(rename);
  if (message.images) message.images = message.images.map((image) => (isLink(image) ? image : rename(image)));
}
