ANSWER = "from the layer"
