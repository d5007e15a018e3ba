"""PMML documents with the numbers of scikit-learn's models, answered by proa: equal to scikit-learn."""
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import pmml_writer as pmml
from served import Served, folder_with, refusal

X, Y = load_iris(return_X_y=True)
X = X.astype(np.float32).astype(np.float64)
LABELS = load_iris().target_names.tolist()
T = np.array(LABELS)[Y]
NUMBERS = X[:, 0] * 3 - X[:, 2] + 20
NAMES = ["a", "b", "c", "d"]


def classified(model, text, labels=LABELS, rows=X):
    with folder_with(model__pmml=text) as folder, Served(folder) as served:
        answer = served.v1(instances=rows.tolist())
        assert [r["predicted_t"] for r in answer] == model.predict(rows).tolist()
        if hasattr(model, "predict_proba"):
            given = np.array([[r["probability_" + v] for v in labels] for r in answer])
            assert np.abs(given - model.predict_proba(rows)).max() < 1e-9
        by_name = served.v1(instances=[dict(zip(reversed(NAMES), reversed(r))) for r in rows.tolist()])
        assert by_name == answer


def test_classifiers_agree_with_scikit_learn():
    for model, write in ((DecisionTreeClassifier(random_state=0), pmml.tree), (RandomForestClassifier(15, random_state=0), pmml.forest),
                         (LogisticRegression(max_iter=500), pmml.logistic), (GaussianNB(), pmml.bayes),
                         (MLPClassifier((7, 5), max_iter=200, random_state=1), pmml.network), (SVC(), pmml.support_vectors)):
        model.fit(X, T)
        classified(model, pmml.document(write(model, NAMES, LABELS), NAMES, labels=LABELS))
    two = T != "setosa"
    model = LogisticRegression(max_iter=500).fit(X[two], T[two])
    classified(model, pmml.document(pmml.logistic(model, NAMES, LABELS[1:]), NAMES, labels=LABELS[1:]), LABELS[1:], X[two])


def test_regressors_agree_with_scikit_learn():
    for model, write in ((DecisionTreeRegressor(random_state=0), pmml.tree), (RandomForestRegressor(15, random_state=0), pmml.forest),
                         (LinearRegression(), pmml.linear), (PoissonRegressor(), pmml.general),
                         (MLPRegressor(hidden_layer_sizes=(7,), max_iter=300, random_state=1), pmml.network), (SVR(), pmml.support_vectors)):
        model.fit(X, NUMBERS)
        with folder_with(model__pmml=pmml.document(write(model, NAMES), NAMES, target_type="double")) as folder, Served(folder) as served:
            assert np.abs(np.array(served.v1(instances=X.tolist())) - model.predict(X)).max() < 1e-9


def test_clusters_agree_with_scikit_learn():
    model = KMeans(4, random_state=0, n_init=3).fit(X)
    text = pmml.document(pmml.clusters(model, NAMES), NAMES)
    with folder_with(model__pmml=text) as folder, Served(folder) as served:
        assert [int(v) for v in served.v1(instances=X.tolist())] == model.predict(X).tolist()


CARD = """<?xml version="1.0"?><PMML version="4.2" xmlns="http://www.dmg.org/PMML-4_2"><Header/><DataDictionary>
<DataField name="department" optype="categorical" dataType="string"/><DataField name="age" optype="continuous" dataType="integer"/>
<DataField name="income" optype="continuous" dataType="double"/></DataDictionary>
<TransformationDictionary><DerivedField name="band" optype="categorical" dataType="string"><Discretize field="income">
<DiscretizeBin binValue="low"><Interval closure="openOpen" rightMargin="1000"/></DiscretizeBin>
<DiscretizeBin binValue="high"><Interval closure="closedOpen" leftMargin="1000"/></DiscretizeBin></Discretize></DerivedField>
<DerivedField name="years" optype="continuous" dataType="double"><Apply function="if"><Apply function="isMissing"><FieldRef field="age"/></Apply>
<Constant dataType="double">-1</Constant><Apply function="+"><FieldRef field="age"/><Constant dataType="double">0.5</Constant></Apply></Apply>
</DerivedField></TransformationDictionary>
<Scorecard functionName="regression" initialScore="10" reasonCodeAlgorithm="pointsBelow" useReasonCodes="true"><MiningSchema>
<MiningField name="department" invalidValueTreatment="asMissing"/><MiningField name="age"/><MiningField name="income" missingValueReplacement="500"/>
</MiningSchema><Output><OutputField name="score" feature="predictedValue" dataType="double"/>
<OutputField name="first" feature="reasonCode" rank="1" dataType="string"/><OutputField name="second" feature="reasonCode" rank="2" dataType="string"/>
</Output><Characteristics>
<Characteristic name="d" reasonCode="D" baselineScore="19"><Attribute partialScore="-9"><SimplePredicate field="department" operator="isMissing"/>
</Attribute><Attribute partialScore="19"><SimplePredicate field="department" operator="equal" value="marketing"/></Attribute>
<Attribute partialScore="3"><True/></Attribute></Characteristic>
<Characteristic name="i" reasonCode="I" baselineScore="10"><Attribute partialScore="5"><SimplePredicate field="band" operator="equal" value="low"/>
</Attribute><Attribute partialScore="26"><CompoundPredicate booleanOperator="and"><SimplePredicate field="band" operator="equal" value="high"/>
<SimplePredicate field="years" operator="greaterThan" value="30"/></CompoundPredicate></Attribute><Attribute partialScore="7"><True/></Attribute>
</Characteristic></Characteristics></Scorecard></PMML>"""


def test_a_scorecard_with_transformations_gives_scores_and_reasons():
    with folder_with(model__pmml=CARD.encode()) as folder, Served(folder) as served:
        rows = [{"department": "marketing", "age": 30, "income": 2000}, {"age": 25, "income": 2000}, {"department": "sales", "age": None}]
        assert served.v1(instances=rows) == [{"score": 55.0, "first": "D", "second": "I"}, {"score": 8.0, "first": "D", "second": "I"},
                                             {"score": 18.0, "first": "D", "second": "I"}]
        status, answer = served.ask("/v1/models/m:predict", {"instances": [{"age": 1.5}]})
        assert status == 400 and "'age'" in answer["error"], answer
        assert [i["name"] for i in served.metadata()["inputs"]] == ["department", "age", "income"]


def test_what_is_not_covered_is_refused_by_name():
    text = pmml.document('<RuleSetModel functionName="classification"><MiningSchema/></RuleSetModel>', NAMES)
    with folder_with(model__pmml=text) as folder:
        assert "RuleSetModel" in refusal(folder)
    with folder_with(model__pmml=b'<!DOCTYPE p [<!ENTITY a "b">]><PMML/>') as folder:
        assert "DTD" in refusal(folder)
