DROP TABLE practitioners;
DROP TABLE broken_glass;
DROP TABLE care_relations;
