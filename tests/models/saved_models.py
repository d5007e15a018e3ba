"""A SavedModel of TensorFlow's with several signatures, made without TensorFlow of its messages."""
import numpy as np

from tensorflow_messages import compiled

tf, serving, stubs = compiled()
RNG = np.random.default_rng(7)
FLOAT, INT32, STRING, INT64 = 1, 3, 7, 9
W, B = RNG.standard_normal((4, 3)).astype(np.float32), RNG.standard_normal(3).astype(np.float32)


def shape_of(sizes):
    return tf.TensorShapeProto(dim=[tf.TensorShapeProto.Dim(size=s) for s in sizes])


def node(name, op, inputs=(), **attributes):
    n = tf.NodeDef(name=name, op=op, input=list(inputs))
    for key, value in attributes.items():
        n.attr[key].CopyFrom(value)
    return n


def kind(number):
    return tf.AttrValue(type=number)


def placeholder(name, sizes):
    return node(name, "Placeholder", dtype=kind(FLOAT), shape=tf.AttrValue(shape=shape_of(sizes)))


def constant(name, array):
    number = {"float32": FLOAT, "int32": INT32}[array.dtype.name]
    t = tf.TensorProto(dtype=number, tensor_shape=shape_of(array.shape), tensor_content=array.tobytes())
    return node(name, "Const", dtype=kind(number), value=tf.AttrValue(tensor=t))


def info(name, number, sizes):
    return tf.TensorInfo(name=name, dtype=number, tensor_shape=shape_of(sizes))


def signature(method, inputs, outputs):
    s = tf.SignatureDef(method_name="tensorflow/serving/" + method)
    for name, value in inputs.items():
        s.inputs[name].CopyFrom(value)
    for name, value in outputs.items():
        s.outputs[name].CopyFrom(value)
    return s


def saved_model():
    """softmax(features · W + B) with its label as "serving_default"; its scores as "scored"; a + 2 b as "summed"."""
    t = {"T": kind(FLOAT)}
    nodes = [placeholder("x_in", [-1, 4]), constant("w", W), constant("b", B),
             node("z", "MatMul", ["x_in", "w"], transpose_a=tf.AttrValue(b=False), transpose_b=tf.AttrValue(b=False), **t),
             node("zb", "BiasAdd", ["z", "b"], data_format=tf.AttrValue(s=b"NHWC"), **t), node("soft", "Softmax", ["zb"], **t),
             constant("one", np.array(1, np.int32)),
             node("best", "ArgMax", ["zb", "one"], Tidx=kind(INT32), output_type=kind(INT64), **t),
             placeholder("a_in", [-1, 1]), placeholder("b_in", [-1, 1]), constant("two", np.array(2, np.float32)),
             node("twice", "Mul", ["b_in", "two"], **t), node("sum", "AddV2", ["a_in", "twice"], **t),
             placeholder("odd_in", [-1, 4]), node("odd", "NobodyKnowsThis", ["odd_in"], **t)]
    x = {"features": info("x_in:0", FLOAT, [-1, 4])}
    soft = info("soft:0", FLOAT, [-1, 3])
    meta = tf.MetaGraphDef(meta_info_def=tf.MetaGraphDef.MetaInfoDef(tags=["serve"]),
                           graph_def=tf.GraphDef(node=nodes, versions=tf.VersionDef(producer=1882)))
    for name, s in (("serving_default", signature("predict", x, {"probabilities": soft, "label": info("best:0", INT64, [-1])})),
                    ("scored", signature("classify", x, {"scores": soft})),
                    ("summed", signature("regress", {"a": info("a_in:0", FLOAT, [-1, 1]), "b": info("b_in:0", FLOAT, [-1, 1])},
                                         {"outputs": info("sum:0", FLOAT, [-1, 1])})),
                    ("odd", signature("predict", {"x": info("odd_in:0", FLOAT, [-1, 4])}, {"y": info("odd:0", FLOAT, [-1, 4])}))):
        meta.signature_def[name].CopyFrom(s)
    return tf.SavedModel(saved_model_schema_version=1, meta_graphs=[meta]).SerializeToString()


def expected(rows):
    z = np.array(rows, np.float64) @ W + B
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
