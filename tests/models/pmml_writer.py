"""Writes models of scikit-learn as PMML, for the tests: the formulas are in PMML's own words, and the numbers scikit-learn's."""
import numpy as np
from xml.sax.saxutils import quoteattr


def document(model, names, target="t", target_type="string", labels=()):
    fields = "".join(f'<DataField name={quoteattr(n)} optype="continuous" dataType="double"/>' for n in names)
    values = "".join(f'<Value value={quoteattr(str(v))}/>' for v in labels)
    kind = "categorical" if labels else "continuous"
    return (f'<?xml version="1.0" encoding="UTF-8"?><PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary>{fields}'
            f'<DataField name="{target}" optype="{kind}" dataType="{target_type}">{values}</DataField></DataDictionary>{model}</PMML>').encode()


def schema(names, target="t"):
    inner = "".join(f"<MiningField name={quoteattr(n)}/>" for n in names)
    return f'<MiningSchema>{inner}<MiningField name="{target}" usageType="target"/></MiningSchema>'


def function(labels):
    return "classification" if len(labels) else "regression"


def tree(tree_, names, labels=()):
    t = tree_.tree_

    def node(i, predicate):
        inside = predicate
        score = ""
        if len(labels):
            share = t.value[i][0] / t.value[i][0].sum()
            inside += "".join(f'<ScoreDistribution value={quoteattr(str(v))} recordCount="{float(s)!r}" probability="{float(s)!r}"/>'
                              for v, s in zip(labels, share))
            score = f' score={quoteattr(str(labels[int(share.argmax())]))}'
        else:
            score = f' score="{float(t.value[i][0][0])!r}"'
        if t.children_left[i] >= 0:
            name, limit = names[t.feature[i]], float(t.threshold[i])
            inside += node(t.children_left[i], f'<SimplePredicate field="{name}" operator="lessOrEqual" value="{limit!r}"/>')
            inside += node(t.children_right[i], f'<SimplePredicate field="{name}" operator="greaterThan" value="{limit!r}"/>')
        return f'<Node id="{i}"{score}>{inside}</Node>'
    return (f'<TreeModel functionName="{function(labels)}" splitCharacteristic="binarySplit">{schema(names)}{node(0, "<True/>")}</TreeModel>')


def forest(model, names, labels=()):
    inner = "".join(f'<Segment id="{i}"><True/>{tree(t, names, labels)}</Segment>' for i, t in enumerate(model.estimators_))
    return (f'<MiningModel functionName="{function(labels)}">{schema(names)}<Segmentation multipleModelMethod="average">{inner}</Segmentation>'
            '</MiningModel>')


def linear(model, names):
    inner = "".join(f'<NumericPredictor name="{n}" coefficient="{float(c)!r}"/>' for n, c in zip(names, np.ravel(model.coef_)))
    return (f'<RegressionModel functionName="regression">{schema(names)}<RegressionTable intercept="{float(np.ravel(model.intercept_)[0])!r}">{inner}'
            '</RegressionTable></RegressionModel>')


def logistic(model, names, labels):
    def table(row, intercept, label):
        inner = "".join(f'<NumericPredictor name="{n}" coefficient="{float(c)!r}"/>' for n, c in zip(names, row))
        return f'<RegressionTable intercept="{float(intercept)!r}" targetCategory={quoteattr(str(label))}>{inner}</RegressionTable>'
    if len(labels) == 2:
        tables = table(model.coef_[0], model.intercept_[0], labels[1]) + table([], 0, labels[0])
        method = "logit"
    else:
        tables = "".join(table(r, i, v) for r, i, v in zip(model.coef_, model.intercept_, labels))
        method = "softmax"
    return f'<RegressionModel functionName="classification" normalizationMethod="{method}">{schema(names)}{tables}</RegressionModel>'


def general(model, names):
    """A generalised linear model with a logarithmic link."""
    parameters = '<Parameter name="p0"/>' + "".join(f'<Parameter name="p{i + 1}"/>' for i in range(len(names)))
    covariates = "".join(f'<Predictor name="{n}"/>' for n in names)
    cells = "".join(f'<PPCell value="1" predictorName="{n}" parameterName="p{i + 1}"/>' for i, n in enumerate(names))
    betas = f'<PCell parameterName="p0" beta="{float(model.intercept_)!r}"/>' + "".join(
        f'<PCell parameterName="p{i + 1}" beta="{float(c)!r}"/>' for i, c in enumerate(model.coef_))
    return (f'<GeneralRegressionModel modelType="generalizedLinear" functionName="regression" linkFunction="log">{schema(names)}'
            f'<ParameterList>{parameters}</ParameterList><FactorList/><CovariateList>{covariates}</CovariateList><PPMatrix>{cells}</PPMatrix>'
            f'<ParamMatrix>{betas}</ParamMatrix></GeneralRegressionModel>')


def bayes(model, names, labels):
    counts = "".join(f'<TargetValueCount value={quoteattr(str(v))} count="{float(p)!r}"/>' for v, p in zip(labels, model.class_prior_))
    inputs = ""
    for i, name in enumerate(names):
        stats = "".join(f'<TargetValueStat value={quoteattr(str(v))}><GaussianDistribution mean="{float(model.theta_[k, i])!r}" '
                        f'variance="{float(model.var_[k, i])!r}"/></TargetValueStat>' for k, v in enumerate(labels))
        inputs += f'<BayesInput fieldName="{name}"><TargetValueStats>{stats}</TargetValueStats></BayesInput>'
    return (f'<NaiveBayesModel functionName="classification" threshold="1e-300">{schema(names)}<BayesInputs>{inputs}</BayesInputs>'
            f'<BayesOutput fieldName="t"><TargetValueCounts>{counts}</TargetValueCounts></BayesOutput></NaiveBayesModel>')


def clusters(model, names):
    fields = "".join(f'<ClusteringField field="{n}" compareFunction="absDiff"/>' for n in names)
    centres = "".join(f'<Cluster id="{i}"><Array n="{len(names)}" type="real">{" ".join(repr(float(v)) for v in c)}</Array></Cluster>'
                      for i, c in enumerate(model.cluster_centers_))
    plain = "".join(f'<MiningField name="{n}"/>' for n in names)
    return (f'<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="{len(model.cluster_centers_)}">'
            f'<MiningSchema>{plain}</MiningSchema><ComparisonMeasure kind="distance"><squaredEuclidean/></ComparisonMeasure>{fields}{centres}'
            '</ClusteringModel>')


def network(model, names, labels=()):
    inputs = "".join(f'<NeuralInput id="0,{i}"><DerivedField optype="continuous" dataType="double"><FieldRef field="{n}"/></DerivedField>'
                     "</NeuralInput>" for i, n in enumerate(names))
    layers = ""
    for k, (w, b) in enumerate(zip(model.coefs_, model.intercepts_)):
        last = k + 1 == len(model.coefs_)
        neurons = "".join(
            f'<Neuron id="{k + 1},{j}" bias="{float(b[j])!r}">' + "".join(
                f'<Con from="{k},{i}" weight="{float(w[i, j])!r}"/>' for i in range(w.shape[0])) + "</Neuron>" for j in range(w.shape[1]))
        how = 'activationFunction="identity"' + (' normalizationMethod="softmax"' if len(labels) else "") if last else 'activationFunction="rectifier"'
        layers += f"<NeuralLayer {how}>{neurons}</NeuralLayer>"
    final = len(model.coefs_)
    if len(labels):
        outputs = "".join(f'<NeuralOutput outputNeuron="{final},{i}"><DerivedField optype="categorical" dataType="string">'
                          f'<NormDiscrete field="t" value={quoteattr(str(v))}/></DerivedField></NeuralOutput>' for i, v in enumerate(labels))
    else:
        outputs = (f'<NeuralOutput outputNeuron="{final},0"><DerivedField optype="continuous" dataType="double"><FieldRef field="t"/>'
                   "</DerivedField></NeuralOutput>")
    return (f'<NeuralNetwork functionName="{function(labels)}" activationFunction="rectifier">{schema(names)}<NeuralInputs>{inputs}</NeuralInputs>'
            f"{layers}<NeuralOutputs>{outputs}</NeuralOutputs></NeuralNetwork>")


def support_vectors(model, names, labels=()):
    """SVC and SVR with an RBF kernel; SVC one against one, the first of a pair where the margin is positive."""
    fields = "".join(f'<FieldRef field="{n}"/>' for n in names)
    vectors = "".join(f'<VectorInstance id="v{i}"><Array n="{len(names)}" type="real">{" ".join(repr(float(x)) for x in v)}</Array></VectorInstance>'
                      for i, v in enumerate(model.support_vectors_))

    def machine(indices, coefficients, constant, about=""):
        return (f"<SupportVectorMachine{about}><SupportVectors>" + "".join(f'<SupportVector vectorId="v{i}"/>' for i in indices) +
                f'</SupportVectors><Coefficients absoluteValue="{float(constant)!r}">' +
                "".join(f'<Coefficient value="{float(c)!r}"/>' for c in coefficients) + "</Coefficients></SupportVectorMachine>")
    if len(labels):
        starts, machines, k = np.concatenate([[0], np.cumsum(model.n_support_)]), "", 0
        for i in range(len(labels)):
            for j in range(i + 1, len(labels)):
                a, b = range(starts[i], starts[i + 1]), range(starts[j], starts[j + 1])
                weights = list(model.dual_coef_[j - 1, list(a)]) + list(model.dual_coef_[i, list(b)])
                about = f' targetCategory={quoteattr(str(labels[i]))} alternateTargetCategory={quoteattr(str(labels[j]))}'
                machines += machine(list(a) + list(b), weights, model.intercept_[k], about)
                k += 1
    else:
        machines = machine(range(len(model.support_vectors_)), model.dual_coef_[0], model.intercept_[0])
    how = ' classificationMethod="OneAgainstOne" maxWins="true"' if len(labels) else ""
    return (f'<SupportVectorMachineModel functionName="{function(labels)}"{how}>{schema(names)}'
            f'<RadialBasisKernelType gamma="{float(model._gamma)!r}"/><VectorDictionary numberOfVectors="{len(model.support_vectors_)}">'
            f"<VectorFields>{fields}</VectorFields>{vectors}</VectorDictionary>{machines}</SupportVectorMachineModel>")
