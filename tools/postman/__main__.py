"""Write the Postman collection and its environments: the second half of `make openapi`."""

from tools.postman.collection import FOLDER, files

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text, "utf-8")
