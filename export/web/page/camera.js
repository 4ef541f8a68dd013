// A picture from the camera, where there is one.

/** Show the camera's button if a picture can be taken; `taken` gets it in RGBA. */
export function offerCamera({ open, dialog, video, take, close }, taken) {
  if (!navigator.mediaDevices?.getUserMedia) {
    return;
  }
  open.hidden = false;
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
  };
  open.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      open.disabled = true;
      open.title = "This page may not use a camera, or there is none.";
      return;
    }
    video.srcObject = stream;
    dialog.showModal();
  });
  dialog.addEventListener("close", stop);
  close.addEventListener("click", () => dialog.close());
  take.addEventListener("click", () => {
    const size = Math.min(video.videoWidth, video.videoHeight);
    if (size) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = size;
      const context = canvas.getContext("2d");
      const [left, top] = [(video.videoWidth - size) / 2, (video.videoHeight - size) / 2];
      context.drawImage(video, left, top, size, size, 0, 0, size, size);
      taken(context.getImageData(0, 0, size, size));
      dialog.close();
    }
  });
}
